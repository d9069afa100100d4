"""What the guards held is published only by whoever saw it: that load, its files, its reasons, once."""

from pathlib import Path
from typing import Any

import pytest

from pro_sante_connect.audit import journal
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import acceptance
from pro_sante_connect.rpps.columns import Part
from pro_sante_connect.rpps.models import Load
from tests.rpps.files import TRACES, codes, everything, guarded, last_load, load, people, refused_or_held, write
from tests.world import World


@pytest.fixture
def held(world: World, tmp_path: Path) -> World:
    """100 people: one of them is 1 %."""
    load(world, write(tmp_path / "first", people(100)))
    world.clock.advance(3600)
    return world


def test_what_is_held_is_published_once_somebody_accepts_it(held: World, tmp_path: Path) -> None:
    shrunken = write(tmp_path, people(98))
    report = refused_or_held(held, shrunken)
    assert report.load is not None
    accepted = load(held, shrunken, accept=report.load, reason="checked with the agency")
    assert (accepted.state, accepted.outcome, accepted.published) == ("published", "hold", {"absent": 2})
    last = last_load(held)
    assert (last.accepts, last.accepted) == (report.load, "checked with the agency")
    with reading(held.engine) as db:
        [entry] = journal.trail(db, f"load:{last.id}")
        assert db.get_one(Load, report.load).state == "accepted"
    assert (entry.facts["accepts"], entry.facts["reason"]) == (report.load, "checked with the agency")


def refusal(world: World, path: Path, **options: Any) -> str:
    """The code of a load that is refused and changes nobody."""
    before = everything(world.engine, but=TRACES)
    with pytest.raises(Refusal) as caught:
        load(world, path, **options)
    assert everything(world.engine, but=TRACES) == before
    return caught.value.code


def test_nobody_accepts_a_hold_before_seeing_it(held: World, tmp_path: Path) -> None:
    """A number that is no load, a load that was published, a reason left out."""
    shrunken, published = write(tmp_path, people(98)), last_load(held).id
    assert refusal(held, shrunken, accept=999, reason="yes") == "load-unknown"
    assert refusal(held, shrunken, accept=published, reason="yes") == "load-not-held"
    waiting = refused_or_held(held, shrunken).load
    assert refusal(held, shrunken, accept=waiting, reason=" ") == "reason-missing"
    assert last_load(held).id == waiting


def test_a_hold_is_accepted_for_its_own_files_only(held: World, tmp_path: Path) -> None:
    waiting = refused_or_held(held, write(tmp_path / "a", people(98))).load
    assert refusal(held, write(tmp_path / "b", people(97)), accept=waiting, reason="yes") == "load-other-files"
    write(tmp_path / "a", [], part=Part.DIPLOMA)
    assert refusal(held, tmp_path / "a", accept=waiting, reason="yes") == "load-other-files"
    assert [last_load(held).state, last_load(held).report["problem"]] == ["refused", "load-other-files"]


def test_a_hold_is_accepted_once(held: World, tmp_path: Path) -> None:
    shrunken = write(tmp_path, people(98))
    waiting = refused_or_held(held, shrunken).load
    load(held, shrunken, accept=waiting, reason="yes")
    assert refusal(held, shrunken, accept=waiting, reason="yes") == "load-not-held"


def test_of_two_who_accept_at_once_one_does(held: World, tmp_path: Path) -> None:
    waiting = refused_or_held(held, write(tmp_path, people(98))).load
    assert waiting is not None
    with writing(held.engine) as db:
        acceptance.spend(db, waiting)
    with pytest.raises(Refusal, match="load-not-held"), writing(held.engine) as db:
        acceptance.spend(db, waiting)


def test_a_hold_is_accepted_for_the_reasons_that_were_seen(held: World, tmp_path: Path) -> None:
    """Somebody else left the registry meanwhile: three would vanish, not two."""
    shrunken = write(tmp_path, people(98))
    waiting = refused_or_held(held, shrunken).load
    load(held, write(tmp_path / "more", people(101)))
    assert refusal(held, shrunken, accept=waiting, reason="yes") == "load-other-reasons"


def test_a_hold_whose_day_has_passed_is_refused(held: World, tmp_path: Path) -> None:
    shrunken = write(tmp_path, people(98))
    waiting = refused_or_held(held, shrunken).load
    load(held, write(tmp_path, people(100), stamp="203003050911"))
    assert codes(refused_or_held(held, shrunken, accept=waiting, reason="yes")) == ["older"]


def test_a_file_below_the_floor_is_refused_even_when_accepted(held: World, tmp_path: Path) -> None:
    shrunken = write(tmp_path, people(98))
    waiting = refused_or_held(held, shrunken).load
    strict = World(guarded(held, min_rows=99), held.clock, held.chance)
    assert codes(refused_or_held(strict, shrunken, accept=waiting, reason="yes")) == ["too-few-rows"]
