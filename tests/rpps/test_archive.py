"""Where the lines come from: archives, folders, files; what could do harm is refused unopened."""

import os
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.demo.extract import Variant, write_extract
from pro_sante_connect.rpps import archive
from pro_sante_connect.rpps.columns import Part
from tests.rpps.files import everything, last_load, load, row, write
from tests.world import World

ACTIVITY = "PS_LibreAcces_Personne_activite_203003040911.txt"
PORTAL = "ps-libreacces-personne-activite.txt"
NAMED = datetime(2030, 3, 4, 9, 11, tzinfo=UTC)


def refusal(*paths: Path) -> tuple[str, str]:
    with pytest.raises(Refusal) as refused:
        archive.find(paths)
    return refused.value.code, refused.value.facts.get("problem", "")


def zipped(path: Path, *members: zipfile.ZipInfo | str, content: bytes = b"x\n") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for member in members:
            made.writestr(member, content, zipfile.ZIP_DEFLATED)
    return path


def patched(path: Path, field: tuple[int, int], value: bytes) -> Path:
    """The archive with some bytes changed in the header of its first member, in both places it stands."""
    data = bytearray(path.read_bytes())
    for start, place in ((data.index(b"PK\x03\x04"), field[0]), (data.index(b"PK\x01\x02"), field[1])):
        data[start + place : start + place + len(value)] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("portal", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_the_three_files_are_found_packed_or_not_in_both_naming_schemes(
    tmp_path: Path, portal: bool, packed: bool
) -> None:
    manifest = write_extract(tmp_path, people=40, variant=Variant(portal=portal, zipped=packed))
    for found in (archive.find(manifest.paths), archive.find(list(reversed(manifest.paths)))):
        assert [source.part for source in found.files] == list(Part)
        for source, path in zip(found.files, manifest.files, strict=True):
            with source.open() as stream:
                assert stream.read() == path.read_bytes()
            assert (source.name, source.size) == (path.name, path.stat().st_size)


def test_a_folder_may_hold_other_things_which_are_named(tmp_path: Path) -> None:
    write(tmp_path, [row()])
    (tmp_path / "LISEZMOI.pdf").touch()
    (tmp_path / "autre.txt").touch()
    assert archive.find([tmp_path]).ignored == ("LISEZMOI.pdf", "autre.txt")


def test_other_members_of_an_archive_are_named_and_reported(world: World, tmp_path: Path) -> None:
    content = write(tmp_path / "in", [row()]).read_bytes()
    path = zipped(tmp_path / "a.zip", "dossier/", f"dossier/{ACTIVITY}", "dossier/LISEZMOI.pdf", content=content)
    report = load(world, path)
    assert (report.state, report.people) == ("published", 1)
    assert report.warnings == ["not read: dossier/", "not read: dossier/LISEZMOI.pdf"]


def test_the_date_is_the_one_of_the_name_else_as_told_else_of_the_file(tmp_path: Path) -> None:
    told, written = datetime(2029, 1, 1, tzinfo=UTC), datetime(2028, 6, 1, tzinfo=UTC)
    for name in (ACTIVITY, PORTAL):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (written.timestamp(), written.timestamp()))
    impossible = (tmp_path / ACTIVITY).with_stem("PS_LibreAcces_Personne_activite_203013990911")
    impossible.touch()
    portal = zipped(tmp_path / "b.zip", zipfile.ZipInfo(PORTAL, (2027, 5, 4, 3, 2, 0)))
    cases = {
        (tmp_path / ACTIVITY, told): (NAMED, "name"),
        (tmp_path / PORTAL, told): (told, "as-of"),
        (impossible, told): (told, "as-of"),
        (tmp_path / PORTAL, None): (written, "file time"),
        (portal, None): (datetime(2027, 5, 4, 3, 2, tzinfo=UTC), "file time"),
    }
    for (path, as_of), expected in cases.items():
        activity = archive.find([path], as_of=as_of).activity
        assert (activity.stamp, activity.stamp_origin) == expected


def test_a_member_with_an_impossible_date_is_as_old_as_archives(tmp_path: Path) -> None:
    path = patched(zipped(tmp_path / "a.zip", PORTAL), (12, 14), b"\0\0")
    assert archive.find([path]).activity.stamp == datetime(1980, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ([], "archive-incomplete"),
        (["PS_LibreAcces_SavoirFaire_203003040911.txt"], "archive-incomplete"),
        ([ACTIVITY, PORTAL], "archive-ambiguous"),
    ],
)
def test_the_list_of_people_must_be_there_once(tmp_path: Path, names: list[str], code: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert refusal(tmp_path)[0] == code


def test_a_name_that_says_nothing_is_refused(tmp_path: Path) -> None:
    for name in ("notes.txt", "PS_LibreAcces_Personne_activite.csv"):
        (tmp_path / name).touch()
        assert refusal(tmp_path / name)[0] == "archive-unknown"
    assert refusal(tmp_path / "nowhere.zip")[0] == "archive-missing"


def test_a_link_in_a_folder_is_never_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ACTIVITY).symlink_to("/etc/hostname")
    assert refusal(tmp_path / "in") == ("archive-unsafe", "link")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (f"/etc/{ACTIVITY}", "path"),
        (f"../{ACTIVITY}", "path"),
        (f"C:/{ACTIVITY}", "path"),
        (f"a\\{ACTIVITY}", "path"),
        ("in.zip", "archive inside"),
        ("IN.TAR", "archive inside"),
    ],
)
def test_a_member_that_could_do_harm_refuses_the_whole_archive(tmp_path: Path, name: str, problem: str) -> None:
    path = zipped(tmp_path / "a.zip", ACTIVITY, name)
    assert refusal(path) == ("archive-unsafe", problem)


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo(ACTIVITY)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refusal(zipped(tmp_path / "a.zip", link)) == ("archive-unsafe", "link")


def test_a_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    assert refusal(zipped(tmp_path / "a.zip", ACTIVITY, content=bytes(3 << 20))) == ("archive-unsafe", "size")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = patched(zipped(tmp_path / "a.zip", ACTIVITY), (6, 8), b"\x01")
    assert refusal(path) == ("archive-unsafe", "encrypted")


def test_an_archive_whose_index_is_broken_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ACTIVITY)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") : data.index(b"PK\x01\x02") + 4] = b"XXXX"
    path.write_bytes(data)
    assert refusal(path)[0] == "archive-unreadable"


def test_a_packing_nobody_knows_is_refused_when_opened(tmp_path: Path) -> None:
    path = patched(zipped(tmp_path / "a.zip", ACTIVITY), (8, 10), b"\x63")
    with pytest.raises(Refusal, match="archive-unreadable"):
        archive.find([path]).activity.open()


def test_an_archive_damaged_in_its_middle_changes_nothing(world: World, tmp_path: Path) -> None:
    content = write(tmp_path / "in", [row(index) for index in range(500)]).read_bytes()
    path = zipped(tmp_path / "a.zip", ACTIVITY, content=content)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(Refusal, match="archive-unreadable"):
        load(world, path)
    assert everything(world.engine)["practitioners"] == []
    assert last_load(world).state == "refused"
