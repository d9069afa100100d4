"""`python -m benchmarks.imports`: registry loads against what plain Python needs to split and check the same lines.

Each load runs in a process of its own, whose peak memory is told. Asserts nothing.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.servers import address
from pro_sante_connect.cli.database import upgrade
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.clock import SystemClock
from pro_sante_connect.core.database import open_engine, unmapped
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.vault import vault_of
from pro_sante_connect.demo.extract import write_extract
from pro_sante_connect.rpps import loads
from pro_sante_connect.settings import Settings
from tests.stores import STORES

CHANGED = 200  # one line of activities out of so many has another street on the next day


def measure(store: str, folder: Path, people: int) -> dict[str, float]:
    """Lines; seconds of splitting and checking, of a first load, of one of the same files, of the next day's; and
    the most memory (MiB) that each took."""
    files = _files(folder, people)
    began = time.perf_counter()
    lines = sum(_checked(path) for path in files)
    found = {"lines": float(lines), "split": time.perf_counter() - began}
    days = (("first", files), ("again", files), ("changed", _next_day(folder, people, files)))
    # A process that forks nothing of this one: its peak is its own.
    processes = multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1)
    with tempfile.TemporaryDirectory(dir=folder) as fresh, processes as pool:
        url = address(store, Path(fresh), f"import_{people}")
        upgrade(url)
        for name, paths in days:
            found[name], found[f"{name} memory"] = pool.apply(_load, (url, paths))
    return found


def _files(folder: Path, people: int) -> list[Path]:
    written = folder / f"extract_{people}"
    if not written.exists():
        write_extract(written, people=people)
    return sorted(written.glob("*.txt"))


def _next_day(folder: Path, people: int, files: list[Path]) -> list[Path]:
    """The same, with another street in one line of activities out of `CHANGED`."""
    written = folder / f"next_{people}"
    written.mkdir(exist_ok=True)
    for path in files:
        with path.open(encoding="utf-8") as lines, (written / path.name).open("w", encoding="utf-8") as out:
            place = next(lines).split("|").index("Libellé Voie (coord. structure)") if "activite" in path.name else 0
            lines.seek(0)
            for number, line in enumerate(lines):
                values = line.split("|")
                if place and number and number % CHANGED == 0:
                    values[place] = "DE LA NOUVELLE LAMPE"
                out.write("|".join(values))
    return sorted(written.glob("*.txt"))


def _load(url: str, files: list[Path]) -> tuple[float, float]:
    dep = Deployment(
        settings=Settings(), engine=unmapped(open_engine(url)), clock=SystemClock(), chance=SystemChance(),
        vault=vault_of((b"b" * 32,)),
    )  # fmt: skip
    began = time.perf_counter()
    report = loads.run(dep, files)
    took = time.perf_counter() - began
    dep.engine.dispose()
    if report.state != "published":
        raise RuntimeError(f"{report.state}: {report.reasons}")
    return took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _checked(path: Path) -> int:
    """What plain Python needs to split the lines and to check widths and numbers; how many there are."""
    with path.open(encoding="utf-8") as lines:
        columns, count = len(next(lines).split("|")), 1
        for line in lines:
            count += 1
            values = line.rstrip("\n").split("|")
            if len(values) != columns or values[2] != values[0] + values[1]:
                raise ValueError(line)
            if values[0] == "8" and not _luhn(values[1]):
                raise ValueError(line)
    return count


def _luhn(number: str) -> bool:
    """Plain Python on purpose: the product has its own way."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def table(measured: dict[str, dict[str, float]]) -> list[str]:
    """Ratios for the documentation, one row for each store."""
    rows = [
        "| store | lines | split and check, s | first load, lines/s | first ÷ split | same again ÷ split "
        "| next day ÷ split | most memory, MiB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for store, one in measured.items():
        ratios = " | ".join(f"{one[name] / one['split']:.1f}" for name in ("first", "again", "changed"))
        memory = max(value for name, value in one.items() if name.endswith("memory"))
        rows.append(
            f"| {store} | {one['lines']:,.0f} | {one['split']:.1f} | {one['lines'] / one['first']:,.0f} | {ratios} "
            f"| {memory:,.0f} |"
        )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--store", choices=STORES, action="append")
    parser.add_argument("--folder", type=Path, help="where extracts are kept between runs")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch)
        for line in table({store: measure(store, folder, chosen.people) for store in chosen.store or STORES}):
            print(line)


if __name__ == "__main__":
    main()
