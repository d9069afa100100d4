"""Where the lines come from: a ZIP, a folder or single files, in both naming schemes. Nothing is ever unpacked.

Members are found by prefix; whatever else an archive holds is refused when it could do harm, else named and left.
"""

import re
import stat
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import IO

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps.columns import Part

MAX_SIZE = 8 * 2**30
MAX_RATIO = 200
_SMALL = 2**20
_PREFIXES = {
    "ps_libreacces_personne_activite": Part.ACTIVITY,
    "ps_libreacces_savoirfaire": Part.KNOW_HOW,
    "ps_libreacces_dipl_autexerc": Part.DIPLOMA,
}
_NESTED = (".zip", ".gz", ".tgz", ".tar", ".7z", ".bz2", ".xz", ".rar")
_STAMP = re.compile(r"_(\d{12})\.txt$")


@dataclass(frozen=True, slots=True)
class Source:
    """One of the three files, not yet opened."""

    part: Part
    name: str
    size: int
    stamp: datetime
    stamp_origin: str
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one load, the activity file first; `ignored` are names of what else lay there."""

    files: tuple[Source, ...]
    ignored: tuple[str, ...]

    @property
    def activity(self) -> Source:
        return self.files[0]


def find(paths: Sequence[Path], *, as_of: datetime | None = None) -> Sources:
    """The files to read; refuses `archive-…` for what is dangerous, ambiguous or incomplete."""
    found: list[Source] = []
    ignored: list[str] = []
    for path in paths:
        if path.is_dir():
            _folder(path, found, ignored, as_of)
        elif not path.is_file():
            raise Refusal("archive-missing", file=path.name)
        elif zipfile.is_zipfile(path):
            _archive(path, found, ignored, as_of)
        else:
            _single(path, found, as_of)
    by_part = {source.part: source for source in found}
    if len(by_part) < len(found):
        raise Refusal("archive-ambiguous", files=", ".join(sorted(source.name for source in found)))
    if Part.ACTIVITY not in by_part:
        raise Refusal("archive-incomplete", files=", ".join(path.name for path in paths))
    return Sources(tuple(by_part[part] for part in Part if part in by_part), tuple(ignored))


def check(paths: Sequence[Path], sums: Mapping[str, str]) -> None:
    """SHA-256 told beforehand, by the name of a file given or of one in a folder given; refuses `checksum-…`."""
    named = {path.name: path for given in paths for path in (given, *(given.iterdir() if given.is_dir() else ()))}
    for name, told in sums.items():
        if name not in named or not named[name].is_file():
            raise Refusal("checksum-unknown", file=name)
        with named[name].open("rb") as file:
            found = file_digest(file, "sha256").hexdigest()
        if found != told.casefold():
            raise Refusal("checksum-wrong", file=name, found=found)


def part_of(name: str) -> Part | None:
    """What a member is, by the beginning of its name."""
    folded = name.rsplit("/", 1)[-1].casefold().replace("-", "_")
    if not folded.endswith(".txt"):
        return None
    return next((part for prefix, part in _PREFIXES.items() if folded.startswith(prefix)), None)


def _stamp(name: str, as_of: datetime | None, written: datetime) -> tuple[datetime, str]:
    """From the member's own name, else as told, else the time of the file; and which of the three."""
    match = _STAMP.search(name.casefold())
    if match:
        try:
            return datetime.strptime(match[1], "%Y%m%d%H%M").replace(tzinfo=UTC), "name"
        except ValueError:
            pass
    return (as_of, "as-of") if as_of else (written, "file time")


def _on_disk(path: Path, part: Part, as_of: datetime | None) -> Source:
    facts = path.stat()
    stamp, origin = _stamp(path.name, as_of, datetime.fromtimestamp(int(facts.st_mtime), UTC))
    return Source(part, path.name, facts.st_size, stamp, origin, lambda: path.open("rb"))


def _single(path: Path, found: list[Source], as_of: datetime | None) -> None:
    part = part_of(path.name)
    if part is None:
        raise Refusal("archive-unknown", file=path.name)
    found.append(_on_disk(path, part, as_of))


def _folder(folder: Path, found: list[Source], ignored: list[str], as_of: datetime | None) -> None:
    for path in sorted(folder.iterdir()):
        part = part_of(path.name)
        if part is None:
            ignored.append(path.name)
        elif path.is_symlink() or not path.is_file():
            raise Refusal("archive-unsafe", file=path.name, problem="link")
        else:
            found.append(_on_disk(path, part, as_of))


def _archive(path: Path, found: list[Source], ignored: list[str], as_of: datetime | None) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise Refusal("archive-unreadable", file=path.name) from problem
    for member in members:
        problem_ = _danger(member)
        if problem_:
            raise Refusal("archive-unsafe", file=member.filename[:200], problem=problem_)
        part = part_of(member.filename)
        if part is None or member.is_dir():
            ignored.append(member.filename[:200])
            continue
        stamp, origin = _stamp(member.filename, as_of, _member_time(member))
        name = member.filename.rsplit("/", 1)[-1]
        found.append(Source(part, name, member.file_size, stamp, origin, _opener(path, member)))


def _member_time(member: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*member.date_time, tzinfo=UTC)
    except ValueError:  # a ZIP may say month 0
        return datetime(1980, 1, 1, tzinfo=UTC)


def _danger(member: zipfile.ZipInfo) -> str:
    """Why a member must not be touched, or nothing."""
    name = member.filename
    parts = name.replace("\\", "/").split("/")
    mode = member.external_attr >> 16
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\\" in name or "\0" in name:
        return "path"
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "link"
    if name.casefold().endswith(_NESTED):
        return "archive inside"
    if member.flag_bits & 1:
        return "encrypted"
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > MAX_SIZE or (member.file_size > _SMALL and ratio > MAX_RATIO):
        return "size"
    return ""


def _opener(path: Path, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def open_() -> IO[bytes]:
        # zipfile stops at the declared size and checks the sum: a member cannot be longer than what was judged.
        archive = zipfile.ZipFile(path)
        try:
            return archive.open(member)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as problem:
            raise Refusal("archive-unreadable", file=path.name) from problem
        finally:
            archive.close()  # the member keeps the file open until it is closed itself

    return open_
