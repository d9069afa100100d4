"""`psc registry`: loads of the national extracts, and search."""

import re
import sys
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pro_sante_connect.cli.output import Misuse, Stop, dump, json_option, table
from pro_sante_connect.cli.registry_state import anomalies, status
from pro_sante_connect.rpps.status import Status

if TYPE_CHECKING:
    from pro_sante_connect.rpps.report import Report
    from pro_sante_connect.rpps.search import Hit

HELD, REFUSED = 3, 4


class Unread(Stop):
    """The files cannot be loaded at all."""

    exit_code = REFUSED


@click.group()
def registry() -> None:
    """Import extracts of the national registry, and search it."""


@registry.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Read, compare and judge; write nothing.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="Date of files without one (UTC).")
@click.option("--force", metavar="REASON", default="", help="Load older files, or take over an interrupted load.")
@click.option("--accept", metavar="LOAD", type=int, help="Publish what that held load held: the same files.")
@click.option("--reason", default="", help="Why it is accepted; kept with the load.")
@click.option("--sha256", "sums", metavar="FILE=HEX", multiple=True, help="Refuse FILE unless this is its sum.")
@click.option(
    "--rejects", type=click.Path(path_type=Path, dir_okay=False), help="Write every rejected line here, as CSV."
)
@click.option("--actor", default="", help="Who acts, for the journal; else this machine's user.")
@json_option
@click.pass_obj
def import_(settings_file: Path | None, /, files: tuple[Path, ...], as_json: bool, actor: str, **asked: Any) -> None:
    """Load the public extracts: a ZIP, a folder or the text files themselves.

    A load that looks wrong is held: nothing is applied. Look at its reasons; if they are right, run it again on
    the same files with --accept, its number, and --reason.

    \b
    FILES: PS_LibreAcces_….zip, or ps-libreacces-personne-activite.txt and its companions.
    Example: psc registry import PS_LibreAcces_203001050900.zip --dry-run
    Exit codes: 0 published or nothing to change, 2 wrong call, 3 held (nothing applied), 4 refused.
    """
    from pro_sante_connect.cli.progress import shown
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import unmapped
    from pro_sante_connect.core.errors import Refusal
    from pro_sante_connect.core.words import say
    from pro_sante_connect.rpps import loads
    from pro_sante_connect.rpps.models import PUBLISHED

    asked["sha256"] = _sums(asked.pop("sums"))
    if bool(asked["reason"].strip()) != (asked["accept"] is not None):
        raise Misuse("--accept LOAD and --reason TEXT go together: say which held load is accepted, and why.")
    if asked["dry_run"] and asked["accept"] is not None:
        raise Misuse("A dry run accepts nothing: leave --accept or --dry-run out.")
    if asked["as_of"] is not None:
        asked["as_of"] = asked["as_of"].replace(tzinfo=UTC)
    dep = deployment(settings_file)
    unmapped(dep.engine)
    options = loads.Options(origin=operator(actor), **asked)
    try:
        with shown(quiet=as_json) as progress:
            report = loads.run(dep, files, options=options, progress=progress)
    except Refusal as refusal:
        raise Unread(f"{say('en', f'refusal.{refusal.code}', **refusal.facts)} ({refusal.code})") from None
    if as_json:
        dump(report.as_facts())
    else:
        _tell(report)
    if report.state != PUBLISHED and report.outcome != "apply":
        sys.exit(HELD if report.outcome == "hold" else REFUSED)


def _sums(told: tuple[str, ...]) -> dict[str, str]:
    sums = {}
    for one in told:
        name, _, value = one.rpartition("=")
        if not name or not re.fullmatch(r"[0-9A-Fa-f]{64}", value):
            raise Misuse(f"--sha256 {one} must look like FILE=HEX, with the file's name and 64 hexadecimal digits.")
        sums[name] = value
    return sums


@registry.command("undo")
@click.argument("load", type=int)
@click.option("--reason", default="", help="Why it is taken back; kept in the journal.")
@click.option("--dry-run", is_flag=True, help="Only count whom the load changed; write nothing.")
@click.option("--actor", default="", help="Who acts, for the journal; else this machine's user.")
@json_option
@click.pass_obj
def undo(settings_file: Path | None, /, load: int, *, reason: str, dry_run: bool, actor: str, as_json: bool) -> None:
    """Take back the last published load: everybody whom it changed is as before it.

    Whoever it brought is absent again, whoever it ended is present again and signs in anew. No decision is touched.
    Example: psc registry undo 12 --reason "the agency withdrew the file"
    """
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import reading
    from pro_sante_connect.rpps import undo as room

    dep = deployment(settings_file)
    if dry_run:
        with reading(dep.engine) as db:
            counts = room.preview(db, load)
    else:
        counts = room.undo(dep, load, reason=reason, origin=operator(actor))
    if as_json:
        dump(counts)
        return
    click.echo(f"Dry run: whom load {load} changed." if dry_run else f"Load {load} is taken back.")
    if not counts:
        click.echo("  nobody")
    for name, count in counts.items():
        click.echo(f"  {name:<24}{count:>12,}")


_TITLES = {
    "published": "Published.",
    "held": "Held: nothing was applied. Look at the reasons, then run again with --accept {load} --reason TEXT.",
    "refused": "Refused: nothing was applied.",
    "tried": "Dry run: nothing was written. The load would be: {outcome}.",
}
_OUTCOMES = {"apply": "published", "hold": "held", "refuse": "refused"}


def _tell(report: "Report") -> None:
    from pro_sante_connect.core.words import say

    click.echo(_TITLES[report.state].format(outcome=_OUTCOMES[report.outcome], load=report.load))
    for code, facts in report.reasons:
        click.echo(f"  ! {say('en', f'load.{code}', **facts)}")
    click.echo(f"Data of {report.stamp} (from {report.stamp_origin})")
    for file in report.files:
        click.echo(
            f"  {file['name']}: {file['rows']:,} rows, {file['columns']} columns, SHA-256 {file['sha256'][:16]}…"
        )
    _tell_counts(report)
    if report.outcome == "hold":
        for what in ("absent", "changed", "unread"):
            if report.samples.get(what):
                click.echo(f"For instance {what}: {', '.join(report.samples[what])}")
    if report.rejected and report.load is not None:
        click.echo(f"Each rejected line: psc registry rejects {report.load}")
    for warning in report.warnings:
        click.echo(f"  note: {warning}")


def _tell_counts(report: "Report") -> None:
    sections = (
        ("People", {"in the files": report.people} | report.differences),
        ("Rejected lines", report.rejects),
        ("Unknown codes", report.unknown_codes),
        ("Repairs", report.repairs),
        ("Oddities kept", report.anomalies),
        ("Written", report.published),
    )
    for title, counts in sections:
        if counts:
            click.echo(f"{title}")
            for name, count in counts.items():
                click.echo(f"  {name:<24}{count:>12,}")


@registry.command("rejects")
@click.argument("load", type=int)
@click.option("--csv", "as_csv", is_flag=True, help="Every line, for a spreadsheet; no cell is a formula.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="How many without --csv.")
@json_option
@click.pass_obj
def rejects(settings_file: Path | None, load: int, as_csv: bool, limit: int, as_json: bool) -> None:
    """Lines that a load refused: where they stand, why, and what stood there.

    LOAD is its number, as `psc registry status` gives it. The offset is in bytes from the start of the file.
    Example: psc registry rejects 3 --csv
    """
    from pro_sante_connect.cli.store import deployment
    from pro_sante_connect.core.database import reading
    from pro_sante_connect.rpps import rejects as room

    dep = deployment(settings_file)
    with reading(dep.engine) as db:
        if as_csv:
            room.write_csv(room.of(db, load), sys.stdout)
            return
        lines = [list(line.values()) for line in room.of(db, load, limit=limit)]
        kept = room.count(db, load)
    table(room.COLUMNS, lines, as_json=as_json, empty="This load rejected no line.")
    if kept > len(lines) and not as_json:
        click.echo(f"{len(lines):,} of {kept:,} lines; all of them with --csv.")


@registry.command("search")
@click.argument("text")
@click.option("--profession", default="", metavar="CODE", help="Only of this profession, such as 60.")
@click.option("--department", default="", metavar="CODE", help="Only with a place in this department: 75, 2A, 974.")
@click.option("--town", default="", help="Only with a place in this town.")
@click.option("--structure", default="", help="Only at this place: its technical number, or words of its name.")
@click.option("--status", type=click.Choice([one.value for one in Status]), help="Only of this status today.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="How many people.")
@click.option("--actor", default="", help="Who acts, for the journal; else this machine's user.")
@json_option
@click.pass_obj
def search(
    settings_file: Path | None, /, text: str, limit: int, actor: str, as_json: bool, **asked: str | None
) -> None:
    """Find people by identifier, name, structure, town or profession; says why each was found.

    Accents, hyphens, the order of names and one slip a word do not matter; the last word may be a beginning. The
    look is journalled, without what was typed. Example: psc registry search "lampadare hel" --department 75
    """
    from pro_sante_connect.audit import journal
    from pro_sante_connect.audit.events import Event
    from pro_sante_connect.cli.store import deployment, operator
    from pro_sante_connect.core.database import reading, writing
    from pro_sante_connect.rpps import search as room
    from pro_sante_connect.rpps.candidates import EVERYBODY, Filters

    dep, filters = deployment(settings_file), Filters(**{name: value or "" for name, value in asked.items()})
    now, origin = dep.clock.now(), operator(actor)
    with reading(dep.engine) as db:
        answer = room.search(db, text, filters=filters, within=EVERYBODY, limit=limit, now=now)
    shown = [hit.id for hit in answer.hits]
    with writing(dep.engine) as db:
        journal.record(db, Event.REGISTRY_SEARCHED, "registry", now=now, origin=origin, found=shown, more=answer.more)
    if as_json:
        dump({"hits": [asdict(hit) for hit in answer.hits], "more": answer.more})
        return
    columns = ("id", "name", "status", "professions", "place", "town", "why")
    table(columns, [_told(hit) for hit in answer.hits], as_json=False, empty="Nobody.")
    if answer.more:
        click.echo("There are others: type more, narrow it, or raise --limit.")


def _told(hit: "Hit") -> tuple[str, ...]:
    from pro_sante_connect.rpps.nomenclature import profession_label

    professions = ", ".join(profession_label(code) for code, _category in hit.professions)
    reasons = ", ".join(f"{reason.kind} {reason.matched}" for reason in hit.why)
    name = f"{hit.family_name} {hit.given_name}" + (" (protected)" if hit.protected else "")
    return hit.national_id, name, hit.status, professions, hit.structure, hit.town, reasons


registry.add_command(status)
registry.add_command(anomalies)
