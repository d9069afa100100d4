"""Nothing is undocumented: refusal codes, outbox topics, settings; both languages say the same."""

import ast
import tomllib
from pathlib import Path
from string import Formatter

import pytest

from pro_sante_connect.core.words import LANGUAGES, catalogue
from tests.reference import PAGE, written

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pro_sante_connect"
PAGE_ROOMS = ("ecps", "web")  # refusals of other rooms are answered by machines or commands


def _calls(name: str, rooms: tuple[str, ...]) -> set[str]:
    """First literal argument of every call of `name` in these rooms."""
    found: set[str] = set()
    for room in rooms:
        for path in (PACKAGE / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                word = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
                if isinstance(node, ast.Call) and word == name and node.args and isinstance(node.args[0], ast.Constant):
                    found.add(str(node.args[0].value))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_a_page_may_show_has_words(language: str) -> None:
    codes = _calls("Refusal", PAGE_ROOMS) | _calls("Displayed", ("oidc", "web"))
    assert {f"refusal.{code}" for code in codes} - set(catalogue(language)) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stands_twice(language: str) -> None:
    files = [tomllib.loads(path.read_text("utf-8")) for path in (PACKAGE / "core" / "words").glob(f"*.{language}.toml")]
    keys = [f"{section}.{name}" for file in files for section, entries in file.items() for name in entries]
    assert sorted(keys) == sorted(catalogue(language))


def test_both_languages_hold_the_same_keys_and_fields() -> None:
    french, english = (catalogue(language) for language in LANGUAGES)
    assert set(french) == set(english)
    for key in french:
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (french[key], english[key])]
        assert fields[0] == fields[1], key


def test_the_reference_is_what_the_code_says() -> None:
    """Settings, addresses, commands, refusals, events, topics; none without its sentence."""
    page = written()
    assert PAGE.read_text("utf-8") == page
    empty = [line for line in page.splitlines() if line.endswith("|  |")]
    assert empty == []


def test_every_setting_is_explained() -> None:
    tree = ast.parse((PACKAGE / "settings" / "fields.py").read_text("utf-8"))
    groups = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name != "Settings"]
    for group in groups:
        for place, node in enumerate(group.body):
            if isinstance(node, ast.AnnAssign):
                after = group.body[place + 1] if place + 1 < len(group.body) else None
                explained = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                name = node.target.id if isinstance(node.target, ast.Name) else "?"
                assert explained, f"{group.name}.{name}"
