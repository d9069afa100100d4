"""One load at a time, from the files to the published registry.

    open → published | held | refused | aborted
    held → accepted          by a later load of the same files, which names it and gives a reason
    published → undone       the last one, while it is kept what it changed (`rpps/undo.py`)

Reading and comparing touch no table of the registry; one transaction publishes. A load whose process died keeps
the place until its heartbeat is old; then the next one aborts it and goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.audit.journal import SYSTEM, Origin
from pro_sante_connect.core.collector import uncollected
from pro_sante_connect.core.database import insert, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import acceptance, archive, guards, reading, rejects, synchronisation, undo
from pro_sante_connect.rpps.archive import Sources
from pro_sante_connect.rpps.compare import Comparison
from pro_sante_connect.rpps.guards import Figures, Outcome, Verdict
from pro_sante_connect.rpps.identifiers import BUCKETS
from pro_sante_connect.rpps.models import ABORTED, HELD, OPEN, PUBLISHED, REFUSED, Load, Reject
from pro_sante_connect.rpps.reading import Progress, Tally
from pro_sante_connect.rpps.report import Report, report_of
from pro_sante_connect.rpps.spool import Spool
from pro_sante_connect.rpps.synchronisation import Publication, batches

TRIED = "tried"
STALE = timedelta(minutes=10)
_BEAT = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to load. `force` is a reason: for an older file, or a load that stands in the way.

    `accept` is the number of a held load: its files are published all the same, for that `reason`. `sha256` are
    sums that files must have, by name.
    """

    dry_run: bool = False
    as_of: datetime | None = None
    force: str = ""
    accept: int | None = None
    reason: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    rejects: Path | None = None
    origin: Origin = SYSTEM


def _silent(_stage: str, _done: int, _total: int, _rows: int) -> None:
    """Nobody watches."""


def run(
    dep: Deployment, paths: Sequence[Path], *, options: Options | None = None, progress: Progress = _silent
) -> Report:
    """The whole walk. Refuses what cannot even be read; else the report says published, held, refused or tried."""
    options = options or Options()
    sources = archive.find(paths, as_of=options.as_of)
    load = None if options.dry_run else _open(dep, sources, options)
    try:
        with uncollected(), Spool(dep.settings.imports.spool) as spool:
            archive.check(paths, options.sha256)
            return _Run(dep, sources, options, progress, load, spool).whole()
    except BaseException as problem:
        if load is not None:
            _abort(dep, load, problem, options.origin)
        raise


def _open(dep: Deployment, sources: Sources, options: Options) -> int:
    now = dep.clock.now()
    with writing(dep.engine) as db:
        if options.accept is not None:
            acceptance.held(db, options.accept)
            if not options.reason.strip():
                raise Refusal("reason-missing")
        _clear(db, options, now)
        values = {
            "state": OPEN, "running": 1, "author": options.origin.actor, "forced": options.force,
            "accepts": options.accept, "accepted": options.reason, "stamp": sources.activity.stamp,
            "stamp_origin": sources.activity.stamp_origin, "files": [], "opened_at": now, "heartbeat_at": now,
            "closed_at": None, "report": {},
        }  # fmt: skip
        claimed = db.execute(insert(db, Load).values(values).on_conflict_do_nothing().returning(Load.id)).scalar()
        if claimed is None:
            raise Refusal("load-running")
        return int(claimed)


def _clear(db: Session, options: Options, now: datetime) -> None:
    """Take the place of a load whose process died, or of any when forced."""
    stale = Load.heartbeat_at <= now - STALE
    dead = db.scalars(
        update(Load)
        .where(Load.running == 1, stale if not options.force else Load.running == 1)
        .values(running=None, state=ABORTED, closed_at=now)
        .returning(Load.id)
        .execution_options(synchronize_session=False)
    ).all()
    for load in dead:
        journal.record(
            db, Event.LOAD_ABORTED, f"load:{load}", now=now, origin=options.origin, cause="taken-over",
            forced=options.force,
        )  # fmt: skip


def _abort(dep: Deployment, load: int, problem: BaseException, origin: Origin) -> None:
    """A file that cannot be read is refused; anything else that stops a load aborts it."""
    now, name, cause = dep.clock.now(), f"load:{load}", type(problem).__name__
    with writing(dep.engine) as db:
        if isinstance(problem, Refusal):
            if _close(db, load, REFUSED, now=now, report={"problem": problem.code, **problem.facts}):
                journal.record(db, Event.LOAD_REFUSED, name, now=now, origin=origin, reasons=[problem.code])
        elif _close(db, load, ABORTED, now=now, report={"problem": cause}):
            journal.record(db, Event.LOAD_ABORTED, name, now=now, origin=origin, cause=cause)


def _close(db: Session, load: int, state: str, *, now: datetime, report: dict[str, Any]) -> bool:
    """Leave the place; False when another load took it meanwhile."""
    closed = db.execute(
        update(Load)
        .where(Load.id == load, Load.state == OPEN)
        .values(state=state, running=None, closed_at=now, report=report)
        .returning(Load.id)
        .execution_options(synchronize_session=False)
    ).first()
    return closed is not None


@dataclass(slots=True)
class _Run:
    """One load on its way; `load` is None for a dry run."""

    dep: Deployment
    sources: Sources
    options: Options
    progress: Progress
    load: int | None
    spool: Spool
    tally: Tally = field(default_factory=Tally)
    beat_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.beat_at = self.dep.clock.now()
        self.tally.warnings += [f"not read: {name}" for name in self.sources.ignored]

    def whole(self) -> Report:
        older = self._older()
        if older is not None:
            return self._conclude(Verdict(Outcome.REFUSE, (("older", older),)), None)
        readers = {
            source.part: reading.read(source, self.spool, self.tally, self._step) for source in self.sources.files
        }
        if self.options.accept is not None:
            with Session(self.dep.engine) as db:
                acceptance.same_files(db, self.options.accept, self.tally.files)
        if self.tally.truncated:
            return self._conclude(guards.verdict(self._figures(None), self.dep.settings.imports), None)
        comparison = Comparison(self.dep.engine, self.spool, self.tally, readers)
        comparison.know()
        for number in range(BUCKETS):
            comparison.bucket(number)
            self._step("compare", number + 1, BUCKETS, comparison.result.people)
        return self._conclude(guards.verdict(self._figures(comparison), self.dep.settings.imports), comparison)

    def _figures(self, comparison: Comparison | None) -> Figures:
        return Figures(
            rows=self.tally.rows,
            rejected=self.tally.rejected,
            by_type=comparison.result.by_type if comparison else {},
            unknown_codes=dict(self.tally.unknown_codes),
            unread_thrice=comparison.result.unread_thrice if comparison else 0,
            truncated=self.tally.truncated,
        )

    def _older(self) -> dict[str, Any] | None:
        """The stamp of the last published load when it is newer than these files."""
        with Session(self.dep.engine) as db:
            last = data_of(db)
        stamp = self.sources.activity.stamp
        if last is None or last <= stamp or self.options.force:
            return None
        return {"stamp": stamp.isoformat(), "last": last.isoformat()}

    def _step(self, stage: str, done: int, total: int, rows: int) -> None:
        """Tell whoever watches, and sign of life."""
        self.progress(stage, done, total, rows)
        now = self.dep.clock.now()
        if self.load is not None and now - self.beat_at >= _BEAT:
            self.beat_at = now
            with writing(self.dep.engine) as db:
                db.execute(
                    update(Load)
                    .where(Load.id == self.load, Load.state == OPEN)
                    .values(heartbeat_at=now)
                    .execution_options(synchronize_session=False)
                )

    def _conclude(self, verdict: Verdict, comparison: Comparison | None) -> Report:
        report = report_of(self.sources, self.tally, comparison, verdict)
        self._write_rejects()
        publish = verdict.outcome is Outcome.APPLY or self._accepted(verdict)
        if self.load is None:
            report.state = TRIED
        elif publish:
            report.state = PUBLISHED
            self._publish(self.load, report)
        else:
            report.state = HELD if verdict.outcome is Outcome.HOLD else REFUSED
            self._leave(self.load, report)
        report.load = self.load
        return report

    def _accepted(self, verdict: Verdict) -> bool:
        if verdict.outcome is not Outcome.HOLD or self.options.accept is None:
            return False
        with Session(self.dep.engine) as db:
            acceptance.same_reasons(db, self.options.accept, verdict.reasons)
        return True

    def _leave(self, load: int, report: Report) -> None:
        event = Event.LOAD_HELD if report.state == HELD else Event.LOAD_REFUSED
        with writing(self.dep.engine) as db:
            now = self.dep.clock.now()
            self._done(db, load, report, now)
            journal.record(
                db, event, f"load:{load}", now=now, origin=self.options.origin,
                reasons=[list(reason) for reason in report.reasons],
            )  # fmt: skip

    def _publish(self, load: int, report: Report) -> None:
        with writing(self.dep.engine) as db:
            now = self.dep.clock.now()
            publication = Publication(db.connection(), load, now, keep=undo.make_room(db, load))
            done = 0
            for portion in batches(self.spool.changes()):
                publication.apply(portion)
                done += len(portion)
                self.progress("publish", done, report.changes, done)
            publication.close()
            report.published = dict(publication.counts)
            self._done(db, load, report, now)
            if self.options.accept is not None:
                acceptance.spend(db, self.options.accept)
            journal.record(
                db, Event.LOAD_PUBLISHED, f"load:{load}", now=now, origin=self.options.origin,
                counts=report.published, forced=self.options.force, accepts=self.options.accept,
                reason=self.options.reason, stamp=self.sources.activity.stamp.isoformat(), files=self.tally.files,
            )  # fmt: skip
        synchronisation.remember(self.dep.engine, self.spool.all_seen())

    def _done(self, db: Session, load: int, report: Report, now: datetime) -> None:
        if not _close(db, load, report.state, now=now, report=report.as_facts()):
            raise Refusal("load-taken-over")
        db.execute(
            update(Load)
            .where(Load.id == load)
            .values(files=self.tally.files)
            .execution_options(synchronize_session=False)
        )

    def _write_rejects(self) -> None:
        names = {source.part.value: source.name for source in self.sources.files}
        count = self.tally.rejected
        if self.options.rejects is not None:
            with self.options.rejects.open("w", encoding="utf-8", newline="") as file:
                rejects.write_csv(rejects.told(self.spool, names, count=count), file)
        if self.load is not None and count:
            rejects.keep(self.dep.engine, self.load, rejects.told(self.spool, names, count=count))


def data_of(db: Session) -> datetime | None:
    """Of when the registry's data are: the stamp of the last published load."""
    return db.scalar(select(Load.stamp).where(Load.state == PUBLISHED).order_by(Load.id.desc()).limit(1))


def latest(db: Session, *, limit: int = 10) -> list[Load]:
    """Loads, newest first."""
    return list(db.scalars(select(Load).order_by(Load.id.desc()).limit(limit)))


def forget_rejects(db: Session, *, before: datetime, limit: int) -> int:
    """Drop the rejected lines of loads that ended before that moment; returns how many."""
    over = select(Load.id).where(Load.closed_at < before)
    late = list(db.scalars(select(Reject.id).where(Reject.load_id.in_(over)).limit(limit)))
    db.execute(delete(Reject).where(Reject.id.in_(late)))
    return len(late)
