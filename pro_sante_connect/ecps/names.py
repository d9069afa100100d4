"""Names that people give to their means: one line of plain text."""

import unicodedata

LONGEST = 60


def of_means(text: str) -> str:
    """What was typed, without control and direction characters, on one line, cut to size."""
    plain = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text[: LONGEST * 4])
    return " ".join(plain.split())[:LONGEST]
