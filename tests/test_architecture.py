"""The laws of the house that a machine can keep: direction of rooms, size of files and functions."""

import ast
import os
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pro_sante_connect"
MAX_FILE, MAX_FUNCTION = 300, 45
LONGER = {"settings.py": 330}  # one documented field per setting: splitting it would hide settings from one another
SOURCES = sorted(PACKAGE.rglob("*.py"))


def test_rooms_look_one_way_and_frameworks_stay_at_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True, is_debug_mode=False) == os.EX_OK


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGER.get(str(path.relative_to(PACKAGE)), MAX_FILE)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno + 1 <= MAX_FUNCTION, node.name


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []
