"""Identifiers: the check digit, the forms people type, names that are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.demo import fiction
from pro_sante_connect.rpps import identifiers

DIGITS = st.text("0123456789", min_size=1, max_size=30)
RPPS = st.integers(0, 9_999_999).map(fiction.rpps)
PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=100)


def malformed(text: str) -> str:
    with pytest.raises(Refusal) as refused:
        identifiers.parse_typed(text)
    return refused.value.code


@pytest.mark.parametrize("number", ["79927398713", "99820424051", "0", "18", "4539148803436467"])
def test_known_good_numbers_pass(number: str) -> None:
    assert identifiers.luhn(number)


@given(DIGITS)
def test_exactly_one_last_digit_is_good(digits: str) -> None:
    assert [last for last in "0123456789" if identifiers.luhn(digits + last)] == [fiction.with_check_digit(digits)[-1]]


@given(DIGITS, st.integers(0, 29), st.integers(1, 9))
def test_one_changed_digit_is_always_seen(digits: str, place: int, shift: int) -> None:
    number = fiction.with_check_digit(digits)
    place %= len(number)
    changed = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert not identifiers.luhn(changed)


@given(DIGITS, st.integers(0, 28))
def test_two_swapped_neighbours_are_seen_but_for_nought_and_nine(digits: str, place: int) -> None:
    number = fiction.with_check_digit(digits)
    place %= len(number) - 1
    left, right = number[place], number[place + 1]
    swapped = number[:place] + right + left + number[place + 2 :]
    assert identifiers.luhn(swapped) == (left == right or {left, right} == {"0", "9"})


@pytest.mark.parametrize("text", ["", " ", "99800000010 ", "+18", "1.8", "٤٢", "１８", "18\n"])
def test_what_is_not_ascii_digits_has_no_check_digit(text: str) -> None:
    assert not identifiers.luhn(text)


@given(RPPS)
def test_a_bare_number_and_its_national_form_are_the_same_person(number: str) -> None:
    assert identifiers.is_rpps(number)
    assert identifiers.parse_typed(number) == identifiers.parse_typed("8" + number) == f"8{number}"


@given(RPPS, st.lists(st.sampled_from(["", " ", ".", "\u00a0", "\u202f"]), min_size=11, max_size=11))
def test_numbers_may_be_typed_with_spaces_and_dots(number: str, gaps: list[str]) -> None:
    typed = "".join(digit + gap for digit, gap in zip(number, gaps, strict=True))
    assert identifiers.parse_typed(f"  {typed}\t") == f"8{number}"


def test_numbers_may_be_typed_in_full_width() -> None:
    number = fiction.rpps(3)
    assert identifiers.parse_typed("".join(chr(ord(digit) + 0xFEE0) for digit in number)) == f"8{number}"


@given(RPPS, st.integers(1, 9))
def test_a_number_with_a_wrong_check_digit_stays_as_typed(number: str, shift: int) -> None:
    wrong = number[:-1] + str((int(number[-1]) + shift) % 10)
    assert identifiers.parse_typed(wrong) == wrong
    assert identifiers.parse_typed("8" + wrong) == "8" + wrong


@given(st.sampled_from("0345"), PRINTABLE)
def test_other_national_forms_stay_as_they_are(id_type: str, identifier: str) -> None:
    national = id_type + identifier
    # Digits and dots alone are a number typed with gaps.
    if identifier.strip("0123456789."):
        assert identifiers.parse_typed(national) == national


@given(PRINTABLE)
def test_what_was_understood_once_is_understood_the_same_again(text: str) -> None:
    once = identifiers.parse_typed(text)
    assert identifiers.parse_typed(once) == once


@pytest.mark.parametrize("text", ["", "  ", "a b", "é", "x" * 129, "8\x00", "80\u202e1", "3001/ 12"])
def test_what_no_registry_can_hold_is_refused(text: str) -> None:
    assert malformed(text) == "identifier-malformed"


@given(st.text())
def test_everybody_is_in_one_of_the_64_portions(text: str) -> None:
    assert 0 <= identifiers.bucket(text.encode()) < identifiers.BUCKETS == 64


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Étagère", "ETAGERE"),
        ("Œillet", "OEILLET"),
        ("CERF-VOLANT", "CERF VOLANT"),
        ("d'Osier", "D OSIER"),
        ("  de   l’Ivoirine / Louche ", "DE L IVOIRINE LOUCHE"),
        ("Groß", "GROSS"),
        ("Ωμέγα", "ΩΜΈΓΑ"),
    ],
)
def test_names_are_compared_without_case_accents_and_signs(written: str, folded: str) -> None:
    assert identifiers.fold(written) == folded


@given(st.text())
def test_folding_a_folded_name_changes_nothing(name: str) -> None:
    assert identifiers.fold(identifiers.fold(name)) == identifiers.fold(name)


def test_a_name_without_given_name_has_no_space_at_its_end() -> None:
    assert identifiers.folded_name("Tabouret", "") == "TABOURET"
    assert identifiers.folded_name("Tabouret", "Odette") == "TABOURET ODETTE"


def test_two_spellings_of_a_name_are_one_but_two_names_are_two() -> None:
    assert identifiers.same_name("CERF VOLANT ROSE", "CERFVOLANT ROSE")
    assert identifiers.same_name("CERF VOLANT ROSE", "CERF VOLANT ROSE")
    assert not identifiers.same_name("CERF VOLANT ROSE", "CERF VOLANT ROSA")
