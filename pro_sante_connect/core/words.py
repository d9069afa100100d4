"""A text by key and language. Pages, mails and commands share the catalogues beside this file.

A key is `section.name`; texts take `{name}` fields. `tests/test_documentation.py` proves that both languages
hold the same keys, `tests/test_words.py` that every key is used and that none is missing.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("fr", "en")


@cache
def catalogue(language: str) -> dict[str, str]:
    """Every text of a language, flat: `{"sign-in.title": "…"}`. Files `words/<name>.<language>.toml` are merged."""
    texts: dict[str, str] = {}
    for path in sorted(Path(__file__).with_name("words").glob(f"*.{language}.toml")):
        for section, entries in tomllib.loads(path.read_text("utf-8")).items():
            texts |= {f"{section}.{name}": text for name, text in entries.items()}
    return texts


def say(language: str, key: str, **facts: Any) -> str:
    """The text of `key`; raises KeyError for an unknown key: a missing word is a defect, not a blank."""
    return catalogue(language)[key].format(**facts)
