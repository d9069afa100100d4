"""`psc account`: the first administrator comes from here, and nobody is staff by default."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pro_sante_connect import settings
from pro_sante_connect.access.models import Account
from pro_sante_connect.app import open_deployment
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from tests.cli.conftest import call, told

ANNE = ("--email", "Anne@Registre.example", "--name", "Anne Tussilage")


def test_nobody_is_staff_by_default(house: Path) -> None:
    assert call("account", "list").stdout == "No account yet.\n"


def test_an_invitation_prints_a_link_and_mails_it(house: Path) -> None:
    made = told("account", "invite", *ANNE, "--role", "administrator")
    assert made["email"] == "anne@registre.example"
    assert "/staff/join/" in made["link"]
    [listed] = told("account", "list")
    assert (listed["name"], listed["state"]) == ("Anne Tussilage", "invited")
    assert listed["roles"].startswith("administrator (")
    said = call("account", "invite", "--email", "anne@registre.example").stdout
    assert made["link"] not in said
    assert "/staff/join/" in said
    assert len(told("account", "list")) == 1


def test_a_new_account_needs_a_name_and_an_address(house: Path) -> None:
    for arguments in (("--email", "anne@registre.example"), ("--email", "nowhere", "--name", "Anne")):
        assert call("account", "invite", *arguments).exit_code == 1
    assert call("account", "list").stdout == "No account yet.\n"


def test_roles_come_and_go_and_an_account_is_retired(house: Path) -> None:
    number = str(told("account", "invite", *ANNE)["account"])
    call("account", "grant", number, "registrar", "--authority", "CNOM", "--department", "2A")
    assert call("account", "grant", number, "registrar", "--authority", "MAGIC").exit_code == 1
    [listed] = told("account", "list")
    grant = listed["roles"].partition("(")[2].rstrip(")")
    assert call("account", "ungrant", grant).exit_code == 0
    assert call("account", "ungrant", grant).exit_code == 1
    assert told("account", "list")[0]["roles"] == ""
    assert call("account", "retire", number).exit_code == 0
    assert call("account", "retire", number).exit_code == 1
    assert call("account", "list").stdout == "No account yet.\n"


def test_the_last_supervisor_stays_once_she_joined(house: Path) -> None:
    number = str(told("account", "invite", *ANNE, "--role", "supervisor")["account"])
    assert call("account", "retire", number).exit_code == 0
    assert told("account", "invite", *ANNE, "--role", "supervisor")["account"] == int(number)
    with open_store() as dep, writing(dep.engine) as db:
        db.get_one(Account, int(number)).joined_at = dep.clock.now()
    refused = call("account", "retire", number)
    assert refused.exit_code == 1
    assert "last" in refused.stderr


@contextmanager
def open_store() -> Iterator[Deployment]:
    """Of the house that is the working directory."""
    dep = open_deployment(settings.load(None))
    yield dep
    dep.engine.dispose()
