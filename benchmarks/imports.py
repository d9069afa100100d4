"""A registry load against the time plain Python needs to split the same lines."""

import time
from pathlib import Path

from benchmarks.servers import address
from pro_sante_connect.cli.database import upgrade
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.clock import SystemClock
from pro_sante_connect.core.database import open_engine
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.vault import vault_of
from pro_sante_connect.demo.extract import write_extract
from pro_sante_connect.rpps import loads
from pro_sante_connect.settings import Settings


def measure(store: str, folder: Path, people: int) -> dict[str, float]:
    """Lines, and seconds of: splitting, a first load, a load of the same file."""
    written = folder / f"extract_{people}"
    if not written.exists():
        written.mkdir()
        write_extract(written, people=people)
    files = sorted(written.glob("*.txt"))
    began = time.perf_counter()
    lines = sum(_split(path) for path in files)
    found = {"lines": float(lines), "split": time.perf_counter() - began}
    url = address(store, folder, f"import_{people}")
    upgrade(url)
    dep = Deployment(
        settings=Settings(), engine=open_engine(url), clock=SystemClock(), chance=SystemChance(),
        vault=vault_of((b"b" * 32,)),
    )  # fmt: skip
    for name in ("first", "again"):
        began = time.perf_counter()
        report = loads.run(dep, files)
        found[name] = time.perf_counter() - began
        if report.state != "published":
            raise RuntimeError(f"{report.state}: {report.reasons}")
    dep.engine.dispose()
    return found


def _checked(path: Path) -> int:
    """What plain Python needs to split the lines and to check widths and numbers; how many there are."""
    with path.open(encoding="utf-8") as lines:
        columns = len(next(lines).split("|"))
        for count, line in enumerate(lines, 2):
            values = line.rstrip("\n").split("|")
            if len(values) != columns or values[2] != values[0] + values[1]:
                raise ValueError(line)
            if values[0] == "8" and not _luhn(values[1]):
                raise ValueError(line)
    return count


def _luhn(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0
