"""A load killed in the middle leaves the former registry whole, and the next load works."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pro_sante_connect.audit import journal
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import reading
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import loads
from pro_sante_connect.settings import Import
from tests.rpps.files import TRACES, everything, last_load, load, people, person, write
from tests.world import World

ROOT = Path(__file__).parents[2]
# Stops for good at the stage asked, in the middle of it, and says so.
STOPPING = """
import signal, sys
from pathlib import Path
from pro_sante_connect.core.database import open_engine
from pro_sante_connect.rpps import loads
from pro_sante_connect.settings import Import, Settings
from tests.rpps.files import LENIENT
from tests.world import make_world

url, path, spool, stopping = sys.argv[1:]

def progress(stage, done, total, rows):
    if stage == stopping and (stage == "read" or done < total):
        print("stopped", flush=True)
        signal.pause()

world = make_world(open_engine(url), Settings(imports=Import(spool=spool, **LENIENT)))
loads.run(world.dep, [Path(path)], progress=progress)
"""
LATER = "203003050911"


def kill_in_the_middle(world: World, path: Path, spool: Path, stage: str) -> None:
    url = world.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", STOPPING, url, str(path), str(spool), stage]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
    assert (said, process.returncode) == ("stopped\n", -9)


@pytest.mark.parametrize("stage", ["read", "compare", "publish"])
def test_a_killed_load_leaves_the_registry_whole_and_the_next_one_works(
    world: World, tmp_path: Path, stage: str
) -> None:
    load(world, write(tmp_path / "before", people(700)))
    before = everything(world.engine, but=TRACES)
    rows = [one | {"legal_name": "AILLEURS", "technical_id": "F00X"} for one in people(690)]
    after, spool = write(tmp_path / "after", rows, stamp=LATER), tmp_path / "spool"
    spool.mkdir()
    kill_in_the_middle(world, after, spool, stage)

    assert everything(world.engine, but=TRACES) == before
    assert list(spool.iterdir()) == []
    assert last_load(world).state == "open"
    with pytest.raises(Refusal, match="load-running"):
        load(world, after)

    world.clock.advance(600)
    dep = replace(world.dep, settings=replace(world.dep.settings, imports=Import(spool=str(spool))))
    report = load(World(dep, world.clock, world.chance), after, lenient=True)
    assert report.published == {"changed": 690, "opened": 690, "ended": 690, "absent": 10}
    assert (last_load(world).state, last_load(world).id) == ("published", report.load)
    assert person(world, 699).absent_since == world.now


def test_whoever_knows_that_a_load_died_need_not_wait(world: World, tmp_path: Path) -> None:
    path = write(tmp_path, people(3))
    kill_in_the_middle(world, path, tmp_path, "compare")
    assert load(world, path, force="the machine was restarted").published == {"created": 3, "opened": 3}


def test_a_load_that_lost_its_place_closes_nothing_any_more(world: World, tmp_path: Path) -> None:
    load(world, write(tmp_path, people(2)))
    before = last_load(world)
    with reading(world.engine) as db:
        told = len(journal.trail(db, f"load:{before.id}"))
    loads._abort(world.dep, before.id, RuntimeError(), SYSTEM)
    loads._abort(world.dep, before.id, Refusal("extract-header"), SYSTEM)
    assert last_load(world).state == "published"
    with reading(world.engine) as db:
        assert len(journal.trail(db, f"load:{before.id}")) == told
