"""A folder in which `psc init --yes` was run."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pro_sante_connect.cli import psc

Call = Callable[..., Result]


def call(*arguments: str, **options: Any) -> Result:
    """The command in this process; an exception that is no exit is a defect and comes through."""
    result = CliRunner().invoke(psc, arguments, **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*arguments: str) -> Any:
    """What the command says with `--json`."""
    result = call(*arguments, "--json")
    return json.loads(result.stdout)


@pytest.fixture(scope="session")
def fresh_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("psc")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert call("init", "--yes").exit_code == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def house(fresh_house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the working directory, in an environment without PSC_ variables."""
    for name in [name for name in os.environ if name.startswith("PSC_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "house"
    shutil.copytree(fresh_house, folder)
    monkeypatch.chdir(folder)
    return folder
