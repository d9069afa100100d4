"""A bar with rows per second and time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_EVERY = 10.0
Progress = Callable[[str, int, int, int], None]
_STAGES = {"read": "Reading", "compare": "Comparing", "publish": "Publishing"}


@contextmanager
def shown(*, quiet: bool) -> Iterator[Progress]:
    """What a load calls as it goes; on stderr, so that a report can be piped."""
    if quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:
        yield _lines()


def _lines() -> Progress:
    """One line per stage, and one every ten seconds."""
    began: dict[str, float] = {}
    last = [0.0]

    def progress(stage: str, done: int, total: int, rows: int) -> None:
        now = time.monotonic()
        first = began.setdefault(stage, now) == now
        if first or done >= total or now - last[0] >= _EVERY:
            last[0] = now
            rate = rows / max(now - began[stage], 0.001)
            share = 100 * done // max(total, 1)
            click.echo(f"{_STAGES[stage]}: {share} %, {rows:,} ({rate:,.0f}/s)", err=True)

    return progress


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rows]:>10,} rows"),
        TextColumn("{task.fields[rate]:>8,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, tuple[TaskID, float]] = {}

        def progress(stage: str, done: int, total: int, rows: int) -> None:
            now = time.monotonic()
            if stage not in tasks:
                tasks[stage] = (bars.add_task(_STAGES[stage], rows=0, rate=0.0), now)
            task, began = tasks[stage]
            bars.update(task, completed=done, total=max(total, 1), rows=rows, rate=rows / max(now - began, 0.001))

        yield progress
