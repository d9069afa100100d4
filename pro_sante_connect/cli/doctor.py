"""`psc doctor`: what is wrong with this deployment, and how to mend it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pro_sante_connect.cli.output import dump, json_option

if TYPE_CHECKING:
    from pro_sante_connect.settings import Settings

OLD_KEY = timedelta(days=365)
DRIFT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """`cure` is empty when all is well."""

    what: str
    found: str
    cure: str = ""


@click.command()
@json_option
@click.pass_obj
def doctor(settings_file: Path | None, as_json: bool) -> None:
    """Check settings, store, secrets, keys, clock, discovery and message transport.

    \b
    Example: psc doctor
    Exit codes: 0 all is well, 1 something is wrong.
    """
    findings = list(examine(settings_file))
    if as_json:
        dump([{"what": one.what, "found": one.found, "cure": one.cure, "good": not one.cure} for one in findings])
    else:
        for one in findings:
            mark = click.style("wrong", fg="red") if one.cure else click.style("good ", fg="green")
            click.echo(f"{mark}  {one.what}: {one.found}")
            if one.cure:
                click.echo(f"       → {one.cure}")
    if any(one.cure for one in findings):
        raise click.exceptions.Exit(1)


def examine(settings_file: Path | None) -> Iterator[Finding]:
    """Every check; those that cannot run because an earlier one failed are left out."""
    from pro_sante_connect import settings as room

    try:
        settings = room.load(settings_file)
    except room.SettingsProblem as problem:
        for sentence in problem.problems:
            yield Finding("settings", sentence, "Mend this line of the settings file or this PSC_ variable.")
        return
    yield Finding("settings", f"read; issuer {settings.issuer.issuer}")
    yield _issuer(settings)
    secrets, store = _secrets(settings), _store(settings)
    yield secrets
    yield store
    if not secrets.cure and not store.cure:
        yield from _inside(settings)
    yield _transport(settings)


def _issuer(settings: "Settings") -> Finding:
    from pro_sante_connect.oidc.endpoints import discovery

    try:
        if settings.issuer.auth_base.startswith("https://"):
            discovery.validate(settings.issuer, settings.policy)
    except ValueError as problem:
        return Finding("discovery", str(problem), "Give [issuer] auth_base and wallet_base public https addresses.")
    if settings.issuer.auth_base.startswith("http://"):
        return Finding("discovery", "http on loopback: good for trying, not for people")
    return Finding("discovery", "the document keeps the specification")


def _secrets(settings: "Settings") -> Finding:
    from pro_sante_connect.core.errors import Refusal
    from pro_sante_connect.core.vault import open_vault

    path = Path(settings.secrets.file)
    try:
        count = len(open_vault(path).roots)
    except Refusal as refusal:
        cure = "Run: psc keys init (or bring the file back from its backup: a new one cannot read the old store)."
        return Finding("secrets", f"{path}: {refusal.code}", cure)
    if path.stat().st_mode & 0o077:
        return Finding("secrets", f"{path} may be read by other accounts", f"Run: chmod 600 {path}")
    return Finding("secrets", f"{path}: {count} root secret{'s' if count > 1 else ''}")


def _store(settings: "Settings") -> Finding:
    from sqlalchemy.exc import SQLAlchemyError

    from pro_sante_connect.cli.database import behind

    try:
        if behind(settings.database.url):
            return Finding("store", "its schema is not this version's", "Run: psc database upgrade")
    except SQLAlchemyError as problem:
        cause = str(getattr(problem, "orig", problem)).splitlines()[0]
        return Finding("store", f"does not answer: {cause}", "Check [database] url, that the server runs, and rights.")
    return Finding("store", settings.database.url.partition(":")[0] + ", schema up to date")


def _inside(settings: "Settings") -> Iterator[Finding]:
    """What needs both the store and the secrets."""
    from pro_sante_connect.app import open_deployment
    from pro_sante_connect.core.database import reading

    dep = open_deployment(settings)
    checks: tuple[Callable[[Any, Any], Finding], ...] = (_keys, _clock, _people, _notes, _deliveries)
    try:
        with reading(dep.engine) as db:
            for check in checks:
                yield check(db, dep)
    finally:
        dep.engine.dispose()


def _keys(db: Any, dep: Any) -> Finding:
    from sqlalchemy import select

    from pro_sante_connect.core.errors import Refusal
    from pro_sante_connect.core.vault import Purpose
    from pro_sante_connect.oidc.models import SigningKey

    now = dep.clock.now()
    keys = list(db.scalars(select(SigningKey).where(SigningKey.active_from <= now)))
    if not keys:
        return Finding("signing keys", "none", "Run: psc keys init (the first start makes them too).")
    try:
        for key in keys:
            dep.vault.open(key.sealed, purpose=Purpose.SIGNING_KEY)
    except Refusal:
        return Finding("signing keys", "sealed under another root secret", "Put the former line in the secrets file.")
    age = now - max(key.active_from for key in keys)
    if age > OLD_KEY:
        return Finding("signing keys", f"the youngest signs since {age.days} days", "Run: psc keys rotate")
    return Finding("signing keys", f"{len(keys)}, the youngest signs since {age.days} days")


def _clock(db: Any, dep: Any) -> Finding:
    """Against the database server's clock where there is one."""
    from sqlalchemy import text

    if dep.engine.dialect.name != "postgresql":
        return Finding("clock", dep.clock.now().isoformat(timespec="seconds"))
    drift = abs(db.execute(text("SELECT clock_timestamp()")).scalar_one() - dep.clock.now())
    if drift > DRIFT:
        return Finding("clock", f"{drift.total_seconds():.0f} s from the database's", "Let both follow NTP.")
    return Finding("clock", "agrees with the database's")


def _people(db: Any, dep: Any) -> Finding:
    from sqlalchemy import func, select

    from pro_sante_connect.rpps.models import Practitioner

    count = db.scalars(select(func.count()).select_from(Practitioner)).one()
    if not count:
        return Finding("registry", "empty: nobody can sign in", "Run: psc registry import FILE…")
    return Finding("registry", f"{count} practitioners")


def _notes(db: Any, dep: Any) -> Finding:
    from sqlalchemy import func, select

    from pro_sante_connect.core.outbox import OutboxNote

    late = dep.clock.now() - timedelta(minutes=5)
    waiting = select(func.count()).where(OutboxNote.closed_at.is_(None), OutboxNote.due_at < late)
    dead = select(func.count()).where(OutboxNote.dead_at.is_not(None))
    overdue, lost = db.scalars(waiting).one(), db.scalars(dead).one()
    if overdue:
        return Finding("outbox", f"{overdue} notes wait for over 5 minutes", "Run the signals worker: psc worker")
    return Finding("outbox", f"nothing is late; {lost} given up in the last days")


def _deliveries(db: Any, dep: Any) -> Finding:
    from pro_sante_connect.signals import deliveries

    late, dead = deliveries.trouble(db, before=dep.clock.now() - timedelta(minutes=5))
    if dead:
        services = ", ".join(sorted(dead))
        cure = "Look: psc signals deliveries --state dead. When they are mended: psc signals replay --client ID"
        return Finding("services told", f"{sum(dead.values())} given up, for {services}", cure)
    if late:
        services = ", ".join(sorted(late))
        cure = "Look: psc signals deliveries --state waiting. Is the signals worker running, do these services answer?"
        return Finding("services told", f"{sum(late.values())} wait for over 5 minutes, for {services}", cure)
    return Finding("services told", "nothing is late, nothing was given up")


def _transport(settings: "Settings") -> Finding:
    import smtplib
    import ssl

    messages = settings.messages
    if messages.transport == "box":
        if settings.issuer.wallet_base.startswith("https://"):
            return Finding(
                "messages", "kept in the message box: nobody receives them", 'Set [messages] transport = "smtp".'
            )
        return Finding("messages", "kept in the message box")
    try:
        with smtplib.SMTP(messages.smtp_host, messages.smtp_port, timeout=10) as relay:
            if messages.smtp_tls:
                relay.starttls(context=ssl.create_default_context())
            if messages.smtp_user:
                relay.login(messages.smtp_user, messages.smtp_password)
            relay.noop()
    except (OSError, smtplib.SMTPException) as problem:
        cure = "Check [messages] smtp_host, smtp_port, smtp_user, smtp_password, and the relay's certificate."
        return Finding("messages", f"the relay does not answer: {type(problem).__name__}", cure)
    if not messages.sms_gateway_domain:
        return Finding("messages", "no gateway for text messages", "Set [messages] sms_gateway_domain.")
    return Finding("messages", f"{messages.smtp_host}:{messages.smtp_port} answers")
