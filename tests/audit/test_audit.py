"""The journal: what is recorded can be read, is chained, and betrays every change."""

from sqlalchemy import text

from pro_sante_connect.audit import journal, seal
from pro_sante_connect.audit.events import Event
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.models import microseconds
from tests.world import START, World


def _write(world: World, count: int) -> None:
    with writing(world.engine) as db:
        for number in range(count):
            journal.record(db, Event.KEY_MADE, f"key:{number % 2}", now=START, fact=number)
        values = {
            "at": microseconds(START), "event": "code:redeemed", "subject": "practitioner:1", "actor": "client:a",
            "client": "a", "address": "127.0.0.1", "facts": '{"grant":1}',
        }  # fmt: skip
        journal.append(db.connection(), values)


def test_a_trail_is_newest_first_and_filtered(world: World) -> None:
    _write(world, 4)
    with reading(world.engine) as db:
        assert [entry.facts["fact"] for entry in journal.trail(db, "key:0")] == [2, 0]
        assert journal.trail(db, "key:0", events=[Event.EPOCH_BUMPED]) == []
        (redeemed,) = journal.trail(db, "practitioner:1", events=[Event.CODE_REDEEMED])
        assert redeemed.facts == {"grant": 1}


def test_the_chain_grows_in_batches_and_verifies(world: World) -> None:
    _write(world, 5)
    with writing(world.engine) as db:
        assert seal.seal(db, limit=4) == 4
    with writing(world.engine) as db:
        assert seal.seal(db) == 2
        assert seal.seal(db) == 0
    with reading(world.engine) as db:
        assert seal.verify(db) == seal.Verdict(6, None)


def test_a_changed_entry_is_named(world: World) -> None:
    _write(world, 3)
    with writing(world.engine) as db:
        seal.seal(db)
    with world.engine.begin() as db:
        if world.engine.dialect.name == "postgresql":
            db.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            db.execute(text("DROP TRIGGER audit_entries_no_update"))
        db.execute(text("UPDATE audit_entries SET actor = 'nobody' WHERE id = (SELECT min(id) + 1 FROM audit_entries)"))
        if world.engine.dialect.name == "sqlite":
            guard = "CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries "
            db.execute(text(guard + "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"))
    with reading(world.engine) as db:
        assert seal.verify(db) == seal.Verdict(1, 2)
        assert seal.verify(db, first=2) == seal.Verdict(1, 2, first=2)
