"""`psc client`: services that sign people in."""

from pathlib import Path
from typing import Any

import click

from pro_sante_connect.cli.output import Misuse, dump, json_option, stop, table


@click.group()
def client() -> None:
    """Services that sign people in."""


@client.command("add")
@click.argument("name")
@click.option("--redirect", "redirect_uris", multiple=True, required=True, help="Return address; may be repeated.")
@click.option("--logout-redirect", "post_logout_redirect_uris", multiple=True, help="Return address after sign-out.")
@click.option(
    "--backchannel-logout", "backchannel_logout_uri", default="", help="Where it is told that a session ended."
)
@click.option(
    "--backchannel-logout-session",
    "backchannel_logout_session_required",
    is_flag=True,
    help="It ends sessions by `sid`; every logout token has one.",
)
@click.option("--origin", "web_origins", multiple=True, help="Browser origin allowed to call the machine endpoints.")
@click.option("--profile", type=click.Choice(["psc", "standard"]), default="standard", show_default=True)
@click.option(
    "--auth",
    "token_endpoint_auth_method",
    type=click.Choice(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]),
    default="client_secret_basic",
    show_default=True,
    help="How the service proves itself; `none` for public clients of profile standard.",
)
@click.option("--jwks", type=click.File("r"), help="File of the service's public keys, for private_key_jwt.")
@click.option("--id", "client_id", default="", help="Client id; else one is made.")
@click.option("--name-en", default="", help="Name shown in English.")
@click.option("--algorithm", type=click.Choice(["RS256", "ES256"]), default="RS256", show_default=True)
@click.option("--acr", "default_acr", default="eidas1", show_default=True, help="Level when the request names none.")
@click.option("--minimum-acr", default="eidas1", show_default=True, help="Level under which nobody enters.")
@click.option("--chooses-activity", is_flag=True, help="The person chooses one activity.")
@click.option(
    "--no-consent", "asks_consent", is_flag=True, flag_value=False, default=True, help="Skip the consent page."
)
@click.option("--introspects-any", is_flag=True, help="May introspect other services' tokens: an API gateway.")
@click.option("--shared-signals", is_flag=True, help="May keep a stream of security events, in its own name.")
@click.option("--directory", is_flag=True, help="May read the directory (FHIR), in its own name.")
@click.option("--contact", default="", help="Mail address of the developers.")
@json_option
@click.pass_obj
def add(settings_file: Path | None, /, name: str, jwks: Any, as_json: bool, **wish: Any) -> None:
    """Register a service; its secret is told once.

    \b
    Example: psc client add "Mon agenda" --redirect http://localhost:3000/cb
    Exit codes: 0 registered, 1 refused, 2 wrong call.
    """
    import json

    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.oidc.registration import Wish, register, with_apis

    try:
        keys = json.load(jwks) if jwks else None
    except ValueError:
        raise Misuse("The JWKS file is not JSON.") from None
    dep = deployment(settings_file)
    scopes = _scopes(wish)
    wanted = with_apis(Wish(name_fr=name, jwks=keys, **wish), scopes)
    with writing(dep.engine) as db:
        exempt = dep.settings.outbound.exempt
        made = register(db, wanted, exempt=exempt, origin=operator(), chance=dep.chance, now=dep.clock.now())
        facts = {
            "client_id": made.client.id,
            "client_secret": made.secret,
            "profile": made.client.profile,
            "token_endpoint_auth_method": made.client.auth_method,
            "redirect_uris": made.client.redirect_uris,
            "issuer": dep.settings.issuer.issuer,
            "discovery_url": f"{dep.settings.issuer.issuer}/.well-known/openid-configuration",
        }
    if as_json:
        dump(facts)
        return
    for key, value in facts.items():
        click.echo(f"{key:28}{' '.join(value) if isinstance(value, list) else value}")
    if made.secret:
        click.echo("Keep the secret: it is not shown again.")


@client.command("edit")
@click.argument("client_id")
@click.option("--name", "name_fr", help="Name shown in French.")
@click.option("--name-en", help="Name shown in English.")
@click.option("--redirect", "redirect_uris", multiple=True, help="Return addresses; they take the place of all.")
@click.option("--logout-redirect", "post_logout_redirect_uris", multiple=True, help="Likewise, after sign-out.")
@click.option("--origin", "web_origins", multiple=True, help="Likewise, browser origins.")
@click.option(
    "--backchannel-logout", "backchannel_logout_uri", help='Where it is told that a session ended; "" for none.'
)
@click.option(
    "--backchannel-logout-session/--no-backchannel-logout-session",
    "backchannel_logout_session_required",
    default=None,
    help="Whether it ends sessions by `sid`.",
)
@click.option("--shared-signals", is_flag=True, help="May keep a stream of security events from now on.")
@click.option("--directory", is_flag=True, help="May read the directory (FHIR) from now on.")
@click.option("--contact", help="Mail address of the developers.")
@click.pass_obj
def edit(settings_file: Path | None, /, client_id: str, **asked: Any) -> None:
    """Change what is given, keep the rest; true for the next request.

    \b
    Example: psc client edit agenda --backchannel-logout https://agenda.example/backchannel-logout
    Exit codes: 0 changed, 1 refused, 2 wrong call.
    """
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.oidc import registration

    scopes = _scopes(asked)
    changes = {name: value for name, value in asked.items() if value not in (None, ())}
    if not changes and not scopes:
        raise Misuse("Nothing to change: give at least one option.")
    dep = deployment(settings_file)
    exempt = dep.settings.outbound.exempt
    with writing(dep.engine) as db:
        row = _get(db, client_id)
        changes |= registration.apis_of(row, scopes)
        changed = registration.edit(db, row, changes, exempt=exempt, origin=operator(), now=dep.clock.now())
    click.echo(f"{client_id}: " + (", ".join(changed) if changed else "as it was") + ".")


@client.command("list")
@json_option
@click.pass_obj
def list_clients(settings_file: Path | None, as_json: bool) -> None:
    """Registered services. Example: psc client list --json"""
    from sqlalchemy import select

    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading
    from pro_sante_connect.oidc.models import Client

    dep = deployment(settings_file)
    with reading(dep.engine) as db:
        rows = [
            (row.id, row.name_fr, row.profile, row.auth_method, "disabled" if row.disabled_at else "enabled")
            for row in db.scalars(select(Client).order_by(Client.created_at, Client.id))
        ]
    table(("client_id", "name", "profile", "auth", "state"), rows, as_json=as_json, empty="No service yet.")


@client.command("show")
@click.argument("client_id")
@json_option
@click.pass_obj
def show(settings_file: Path | None, client_id: str, as_json: bool) -> None:
    """Everything about one service but its secret. Example: psc client show agenda"""
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading

    dep = deployment(settings_file)
    with reading(dep.engine) as db:
        row = _get(db, client_id)
        facts = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    facts["secrets"] = len(facts.pop("secret_digests"))
    if as_json:
        dump(facts)
        return
    table(("what", "value"), list(facts.items()), as_json=False)


@client.command("secret")
@click.argument("client_id")
@click.pass_obj
def secret(settings_file: Path | None, client_id: str) -> None:
    """A new secret; the present one stays good until the next. Example: psc client secret agenda"""
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing
    from pro_sante_connect.oidc.registration import new_secret
    from pro_sante_connect.oidc.vocabulary import SECRET_METHODS

    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        row = _get(db, client_id)
        if row.auth_method not in SECRET_METHODS:
            stop(f"{client_id} proves itself by {row.auth_method}: it has no secret.")
        click.echo(new_secret(db, row, origin=operator(), chance=dep.chance, now=dep.clock.now()))


@client.command("disable")
@click.argument("client_id")
@click.pass_obj
def disable(settings_file: Path | None, client_id: str) -> None:
    """Stop a service: nothing it holds is good from now on. Example: psc client disable agenda"""
    from pro_sante_connect.oidc import registration

    _change(settings_file, client_id, registration.disable)
    click.echo(f"{client_id} is disabled.")


@client.command("enable")
@click.argument("client_id")
@click.pass_obj
def enable(settings_file: Path | None, client_id: str) -> None:
    """Open a service again for new requests. Example: psc client enable agenda"""
    from pro_sante_connect.oidc import registration

    _change(settings_file, client_id, registration.enable)
    click.echo(f"{client_id} is enabled.")


def _scopes(asked: dict[str, Any]) -> list[str]:
    """Of our own APIs that the options open; the options are taken out."""
    from pro_sante_connect.oidc.vocabulary import FHIR_SCOPE, SIGNALS_SCOPES

    signals, directory = asked.pop("shared_signals"), asked.pop("directory")
    return [*(SIGNALS_SCOPES if signals else ()), *([FHIR_SCOPE] if directory else ())]


def _change(settings_file: Path | None, client_id: str, verb: Any) -> None:
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import writing

    dep = deployment(settings_file)
    with writing(dep.engine) as db:
        verb(db, _get(db, client_id), origin=operator(), now=dep.clock.now())


def _get(db: Any, client_id: str) -> Any:
    from pro_sante_connect.oidc.models import Client

    found = db.get(Client, client_id)
    if found is None:
        stop(f"No service is called {client_id}. List them with: psc client list")
    return found
