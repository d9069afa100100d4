"""A stream of bytes as numbered lines, in bounded memory, hashed on the way."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import IO, Any, NamedTuple

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.extract import MAX_LINE

_BLOCK = 1 << 20


class Line(NamedTuple):
    """One line without its line feed: number from 1, byte offset; `ended` when the line feed was there."""

    number: int
    offset: int
    raw: bytes
    ended: bool


@dataclass(slots=True)
class Lines:
    """Iterate once. A line over the cap is cut to one byte more than the cap; the rest of it is passed over."""

    stream: IO[bytes]
    done: int = 0
    _hash: Any = field(default_factory=sha256)

    def digest(self) -> str:
        """SHA-256 of what was read."""
        return str(self._hash.hexdigest())

    def _blocks(self) -> Iterator[bytes]:
        while True:
            try:
                block = self.stream.read(_BLOCK)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as problem:
                raise Refusal("archive-unreadable", file=getattr(self.stream, "name", "")) from problem
            if not block:
                return
            self._hash.update(block)
            self.done += len(block)
            yield block

    def __iter__(self) -> Iterator[Line]:
        number, offset, rest, dropped = 1, 0, b"", 0
        for block in self._blocks():
            parts = block.split(b"\n")
            parts[0] = rest + parts[0]
            rest = parts.pop()
            for raw in parts:
                yield Line(number, offset, raw[: MAX_LINE + 1], True)
                offset += len(raw) + dropped + 1
                number, dropped = number + 1, 0
            if len(rest) > MAX_LINE + 1:
                # An endless line must not fill the memory: what is past the cap is only counted.
                dropped += len(rest) - MAX_LINE - 1
                rest = rest[: MAX_LINE + 1]
        if rest:
            yield Line(number, offset, rest, False)
