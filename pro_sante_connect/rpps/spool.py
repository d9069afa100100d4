"""The lines of a load on disk, in 64 portions by person, so that memory does not grow with the file.

The files have no name: a killed load leaves nothing behind. Each line is `national id | line | offset | mark and
bytes as they stood`.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any, Self

import orjson

from pro_sante_connect.rpps.columns import Part
from pro_sante_connect.rpps.extract import Reject
from pro_sante_connect.rpps.identifiers import BUCKETS, bucket

MARKS = {Part.ACTIVITY: b"a", Part.KNOW_HOW: b"k", Part.DIPLOMA: b"d"}


class Spool:
    """Write everything, then `read` each portion once."""

    def __init__(self, folder: str) -> None:
        self._stack = ExitStack()
        self._files = [self._open(folder) for _ in range(BUCKETS)]
        self._known = [self._open(folder) for _ in range(BUCKETS)]
        self._changes = self._open(folder)
        self._rejects = self._open(folder)
        self._seen = self._open(folder)

    def _open(self, folder: str) -> IO[bytes]:
        return self._stack.enter_context(tempfile.TemporaryFile(dir=folder or None, buffering=1 << 16))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_problem: object) -> None:
        self._stack.close()

    def line(self, national: bytes, mark: bytes, number: int, offset: int, raw: bytes) -> None:
        """A line not yet judged, of whoever its column names."""
        self._files[bucket(national)].write(b"%b|%d|%d|%b%b\n" % (national, number, offset, mark, raw))

    def reject(self, part: Part, line: int, offset: int, reject: Reject) -> None:
        """A refused line."""
        self._rejects.write(
            orjson.dumps([part, line, offset, reject.reason, reject.column, reject.value, reject.national_id]) + b"\n"
        )

    def read(self, number: int) -> dict[bytes, list[list[bytes]]]:
        """The lines of one portion by national identifier, people and lines in the order of the file: each whose,
        number, offset, and what stood there behind its mark and with a line feed."""
        people: dict[bytes, list[list[bytes]]] = {}
        file = self._files[number]
        file.seek(0)
        for line in file:
            parts = line.split(b"|", 3)
            people.setdefault(parts[0], []).append(parts)
        file.close()
        return people

    def know(self, national_id: str, facts: list[object]) -> None:
        """Somebody of the registry."""
        self._known[bucket(national_id.encode())].write(orjson.dumps(facts) + b"\n")

    def known(self, number: int) -> Iterator[list[Any]]:
        """Those of one portion, once."""
        with self._known[number] as file:
            file.seek(0)
            for line in file:
                yield orjson.loads(line)

    def seen(self, national_id: str, digest: str, lines: str) -> None:
        """Of somebody who is unchanged: of which lines that is known from now on."""
        self._seen.write(f"{national_id}|{digest}|{lines}\n".encode())

    def all_seen(self) -> Iterator[list[str]]:
        """National identifier, digest, digest of the lines."""
        self._seen.seek(0)
        for line in self._seen:
            yield line[:-1].decode().split("|")

    def change(self, change: dict[str, object]) -> None:
        """One difference with the registry."""
        self._changes.write(orjson.dumps(change) + b"\n")

    def changes(self) -> Iterator[dict[str, object]]:
        """The differences, in the order found."""
        self._changes.seek(0)
        for line in self._changes:
            yield orjson.loads(line)

    def rejects(self) -> Iterator[list[object]]:
        """File, line, offset, reason, column, value, national identifier of each line refused."""
        self._rejects.seek(0)
        for line in self._rejects:
            yield orjson.loads(line)
