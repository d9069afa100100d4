"""`psc account`: registry staff and their roles. Nobody is staff by default: the first one is invited here."""

from pathlib import Path
from typing import Any

import click

from pro_sante_connect.cli.output import dump, json_option, table

_ROLES = ("reader", "registrar", "supervisor", "auditor", "security", "administrator")


@click.group()
def account() -> None:
    """Registry staff: invite, give and take roles, retire."""


@account.command("invite")
@click.option("--email", required=True, help="The account's address; the link goes there too.")
@click.option("--name", default="", help="Given and family name; needed for a new account.")
@click.option("--national-id", default="", help="The member's own identifier: nobody decides about herself.")
@click.option("--role", type=click.Choice(_ROLES), help="A role to give with it.")
@click.option("--authority", "authorities", multiple=True, help="CNOM, CNOP, ONI, ARS…; may be repeated; none: all.")
@click.option("--department", "departments", multiple=True, help="75, 2A, 974; may be repeated; none: all.")
@click.option("--structure", "structures", multiple=True, help="Technical identifier; may be repeated; none: all.")
@json_option
@click.pass_obj
def invite(settings_file: Path | None, /, email: str, role: str | None, as_json: bool, name: str, **more: Any) -> None:
    """Open an account, or send another link to one: the link makes a passkey, once, within three days.

    Example: psc account invite --email chef@registre.example --name "Anne Lestel" --role administrator
    """
    from pro_sante_connect.access import accounts
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.signals import invitations

    dep = deployment(settings_file)
    base, by, now = dep.settings.issuer.wallet_base, operator(), dep.clock.now()
    with writing(dep.engine) as db:
        made = accounts.invite(
            db, email=email, name=name, national_id=more.pop("national_id"), origin=by, chance=dep.chance, now=now
        )
        if role is not None:
            accounts.grant(db, made.account.id, role, origin=by, now=now, **more)
        invitations.send(db, made, base=base, language="fr", vault=dep.vault, now=now)
        facts = {"account": made.account.id, "email": made.account.email, "link": invitations.link(made, base=base)}
    if as_json:
        dump(facts)
        return
    click.echo(f"Account {facts['account']} ({facts['email']}). The link, of one use, valid three days:")
    click.echo(facts["link"])


@account.command("list")
@json_option
@click.pass_obj
def show(settings_file: Path | None, /, as_json: bool) -> None:
    """Accounts in use or invited, and their roles. Example: psc account list"""
    from pro_sante_connect.access import accounts
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading

    dep = deployment(settings_file)
    with reading(dep.engine) as db:
        rows = [
            [one.id, one.name, one.email, "joined" if one.joined_at else "invited",
             ", ".join(f"{grant.role} ({grant.id})" for grant in grants)]
            for one, grants in accounts.every(db)
        ]  # fmt: skip
    table(["account", "name", "email", "state", "roles"], rows, as_json=as_json, empty="No account yet.")


@account.command("grant")
@click.argument("number", type=int, metavar="ACCOUNT")
@click.argument("role", type=click.Choice(_ROLES))
@click.option("--authority", "authorities", multiple=True)
@click.option("--department", "departments", multiple=True)
@click.option("--structure", "structures", multiple=True)
@click.pass_obj
def grant(settings_file: Path | None, /, number: int, role: str, **scope: Any) -> None:
    """Give a role within a scope. Example: psc account grant 3 registrar --authority CNOM"""
    from pro_sante_connect.access import accounts
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing

    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        accounts.grant(db, number, role, origin=operator(), now=dep.clock.now(), **scope)
    click.echo(f"Account {number} is {role}.")


@account.command("ungrant")
@click.argument("number", type=int, metavar="GRANT")
@click.pass_obj
def ungrant(settings_file: Path | None, /, number: int) -> None:
    """Take one role back, by its number in `psc account list`. Example: psc account ungrant 7"""
    from pro_sante_connect.access import accounts
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing

    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        accounts.end_grant(db, number, origin=operator(), now=dep.clock.now())
    click.echo(f"Role {number} is taken back.")


@account.command("retire")
@click.argument("number", type=int, metavar="ACCOUNT")
@click.pass_obj
def retire(settings_file: Path | None, /, number: int) -> None:
    """End an account: its passkeys, sessions and roles. Example: psc account retire 3"""
    from pro_sante_connect.access import accounts
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing

    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        accounts.retire(db, number, origin=operator(), now=dep.clock.now())
    click.echo(f"Account {number} is retired.")
