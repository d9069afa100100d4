"""One more phone: a link of one use and 90 s, for a usable card of an entitled person."""

import pytest
from PIL import Image, ImageDraw

from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import means, names, pairing, phones, purge, qr
from pro_sante_connect.ecps.attempts import ADDRESS_LIMIT
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals import withdrawal
from tests.ecps.people import BROWSER, Candidate, candidate, suspend, told, winners
from tests.world import World


@pytest.fixture
def person(world: World) -> Candidate:
    return candidate(world).enrol()


def issue(person: Candidate) -> str:
    world = person.world
    with writing(world.engine) as db:
        known = registry.get(db, person.practitioner)
        return pairing.issue(db, known, chance=world.chance, now=world.now, lifetimes=person.dep.settings.lifetimes)


def claim(person: Candidate, token: str) -> str:
    return pairing.claim(person.dep, token, phone_name="Deuxième", origin=BROWSER)


def test_the_link_makes_a_phone_once_and_the_person_is_told(person: Candidate) -> None:
    link = issue(person)
    token = claim(person, link)
    with reading(person.world.engine) as db:
        assert phones.find(db, token, now=person.world.now) is not None
        assert [one.name for one in means.of(db, person.practitioner) if one.kind == "phone"] == ["Pixel", "Deuxième"]
    assert told(person)[-1] == "means-added"
    with pytest.raises(Refusal, match="pairing-refused"):
        claim(person, link)


def test_of_ten_scans_one_pairs(person: Candidate) -> None:
    link = issue(person)

    assert winners(lambda: claim(person, link)) == 1


def test_the_link_grows_old_and_is_swept(person: Candidate) -> None:
    link = issue(person)
    person.world.clock.advance(90)
    with pytest.raises(Refusal, match="pairing-refused"):
        claim(person, link)
    with writing(person.world.engine) as db:
        purge.purge(db, now=person.world.now)
        assert db.query(pairing.Pairing).count() == 0


def test_a_suspension_a_frozen_or_a_new_card_ends_the_link(world: World) -> None:
    person = candidate(world).enrol(passkey=False)
    link = issue(person)
    person.enrol(passkey=False)
    world.clock.advance(-30)
    with pytest.raises(Refusal, match="pairing-refused"):
        claim(person, link)
    link = issue(person)
    suspend(person)
    with pytest.raises(Refusal, match="pairing-refused"):
        claim(person, link)
    withdrawal.freeze(person.dep, person.practitioner, origin=BROWSER)
    with pytest.raises(Refusal, match="card-expired"):
        issue(person)


def test_guessing_links_is_throttled(person: Candidate) -> None:
    for _ in range(ADDRESS_LIMIT):
        with pytest.raises(Refusal, match="pairing-refused"):
            claim(person, "x")
    with pytest.raises(Refusal, match="pairing-refused"):
        claim(person, issue(person))


@pytest.mark.parametrize("text", ["https://example.test/phone/scan/abc", "é" * 40, "x" * 300])
def test_a_camera_reads_what_was_drawn(text: str) -> None:
    import zxingcpp

    drawing = qr.svg(text)
    side = int(drawing.partition('viewBox="0 0 ')[2].partition(" ")[0])
    picture = Image.new("1", (side * 4, side * 4), 1)
    pen = ImageDraw.Draw(picture)
    for run in drawing.rpartition(' d="')[2].partition('"')[0].split("M")[1:]:
        x, _, rest = run.partition(" ")
        y, _, rest = rest.partition("h")
        width = int(rest.partition("v")[0])
        left, top = int(x) * 4, int(y) * 4
        pen.rectangle((left, top, left + width * 4 - 1, top + 3), fill=0)
    (found,) = zxingcpp.read_barcodes(picture)
    assert found.text == text
    assert "style" not in drawing


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("Ma\u202eclé", "Ma clé"), ("a\nb\tc", "a b c"), ("  ", ""), ("x" * 500, "x" * 60), ("<b>", "<b>")],
)
def test_names_are_one_line_of_plain_text(typed: str, kept: str) -> None:
    assert names.of_means(typed) == kept
