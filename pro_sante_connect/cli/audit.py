"""`psc audit`: read and verify the journal."""

from pathlib import Path

import click

from pro_sante_connect.cli.output import dump, json_option, stop, table


@click.group()
def audit() -> None:
    """Read and verify the journal."""


@audit.command("verify")
@json_option
@click.pass_obj
def verify(settings_file: Path | None, as_json: bool) -> None:
    """Walk the chain of seals. Example: psc audit verify

    Exit codes: 0 whole, 1 broken.
    """
    from pro_sante_connect import settings
    from pro_sante_connect.audit import seal
    from pro_sante_connect.core.database import open_engine, reading

    with reading(open_engine(settings.load(settings_file).database.url)) as db:
        verdict = seal.verify(db)
        waiting = seal.oldest_unsealed(db)
    if as_json:
        dump({"sealed": verdict.sealed, "broken_at": verdict.broken_at, "oldest_unsealed": waiting})
    if verdict.broken_at is not None:
        stop(f"The journal is broken at position {verdict.broken_at}: an entry was changed or removed.")
    if not as_json:
        since = f"; unsealed since {waiting.isoformat(timespec='seconds')}" if waiting else ""
        click.echo(f"The journal is whole: {verdict.sealed} entries sealed{since}.")


@audit.command("trail")
@click.argument("subject")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@click.pass_obj
def trail(settings_file: Path | None, subject: str, limit: int, as_json: bool) -> None:
    """Latest events about a subject, newest first.

    SUBJECT is `practitioner:12`, `client:agenda`, `load:3`, `key:…`, `store`, `registry` (searches) or a national
    identifier.
    Example: psc audit trail 899800000017 --limit 10
    """
    from pro_sante_connect import settings
    from pro_sante_connect.audit import journal
    from pro_sante_connect.core.database import open_engine, reading
    from pro_sante_connect.rpps import identifiers, registry

    with reading(open_engine(settings.load(settings_file).database.url)) as db:
        if ":" not in subject and subject not in {"store", "registry"}:
            person = registry.find(db, identifiers.parse_typed(subject))
            if person is None:
                stop("Nobody has this identifier.")
            subject = registry.subject(person.id)
        entries = journal.trail(db, subject, limit=limit)
        rows = [(entry.at, entry.event, entry.actor, entry.client, entry.address, entry.facts) for entry in entries]
    table(("at", "event", "actor", "client", "address", "facts"), rows, as_json=as_json, empty="Nothing is recorded.")
