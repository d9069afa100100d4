"""A means and what it opened end in one transaction, with no worker to help."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.authentication import Authentication, Level, Mode
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.ecps import means, passkeys
from pro_sante_connect.ecps.models import Passkey
from pro_sante_connect.oidc.requests import session as sessions
from pro_sante_connect.rpps import registry
from pro_sante_connect.signals.withdrawal import end_sessions, freeze, withdraw
from tests.ecps.people import BROWSER, Candidate, events
from tests.ecps.requests import ask
from tests.oidc.parties import document, make_cast
from tests.signals.people import notes
from tests.world import World


class House:
    """A person with passkey, code app and phone, a service, and the sessions that each means opened."""

    def __init__(self, world: World) -> None:
        self.world, self.cast = world, make_cast(world)
        with writing(world.engine) as db:
            known = registry.get(db, self.cast.practitioner)
            known.contact_email, known.contact_phone = "chloe@personnes.example", "0639980001"
        self.person = Candidate(world, self.cast.practitioner).enrol()
        self.client = self.cast.client()
        with reading(world.engine) as db:
            self.keys = {one.kind: one.key for one in means.of(db, self.cast.practitioner)}
        self.tokens = {kind: self.cast.tokens(self.client, self.begin(self.keys[kind])) for kind in self.keys}

    def begin(self, key: str) -> str:
        """A session opened with that means."""
        proof = Authentication(
            practitioner=self.cast.practitioner, mode=Mode.MOBILE, methods=("pin",), level=Level.EIDAS2, means=key,
            at=self.world.now,
        )  # fmt: skip
        with writing(self.world.engine) as db:
            begun = sessions.begin(
                db, proof, former=None, device="", lifetimes=self.world.dep.settings.lifetimes,
                chance=self.world.chance, now=self.world.now,
            )  # fmt: skip
            return begun.session.id

    def living(self) -> set[str]:
        """Means whose session still gives userinfo and fresh tokens; both agree."""
        found = set()
        for kind, held in self.tokens.items():
            read = self.cast.userinfo(held["access_token"])
            refreshed = self.cast.refresh(self.client, held["refresh_token"])
            assert (read.status, refreshed.status) in ((200, 200), (401, 400))
            if refreshed.status == 200:
                found.add(kind)
                self.tokens[kind] = document(refreshed)
            else:
                assert document(refreshed)["error"] == "invalid_grant"
        return found

    def copied(self) -> None:
        """The passkey's counter has been further than it is."""
        with writing(self.world.engine) as db:
            db.execute(update(Passkey).values(sign_count=5))

    def sign_in_with_a_copy(self) -> None:
        self.copied()
        options = passkeys.start_sign_in(self.world.dep, binding="b", typed=None)
        passkeys.finish_sign_in(
            self.world.dep, binding="b", credential=self.person.answer(options), ended=end_sessions, origin=BROWSER
        )

    def approve_with_a_copy(self) -> None:
        self.copied()
        asked = ask(self.person)
        asked.type(asked.number)
        asked.approve_by_passkey()


@pytest.fixture
def house(world: World) -> House:
    made = House(world)
    assert made.living() == {"passkey", "totp", "phone", "code"}
    return made


def test_freezing_the_card_ends_all_that_is_open(house: House) -> None:
    freeze(house.world.dep, house.person.practitioner, origin=BROWSER)
    assert house.living() == set()
    assert events(house.person).count("session:ended") == 4


@pytest.mark.parametrize("act", [House.sign_in_with_a_copy, House.approve_with_a_copy])
def test_a_copied_passkey_takes_its_sessions_and_no_other(house: House, act: Callable[[House], None]) -> None:
    with pytest.raises(Refusal, match="passkey-set-aside"):
        act(house)
    assert house.living() == {"totp", "phone", "code"}


def test_a_new_activation_ends_what_the_former_card_opened(house: House) -> None:
    house.person.enrol(passkey=False)
    assert house.living() == set()


def test_a_phone_goes_with_its_sessions_and_no_other(house: House) -> None:
    withdraw(house.world.dep, house.person.practitioner, house.keys["phone"], origin=SYSTEM)
    assert house.living() == {"passkey", "totp", "code"}
    changes = [note.facts["change"] for note in notes(house.world) if note.topic == "means:changed"]
    assert changes[-1] == "withdrawn"


def test_the_last_way_in_stays_and_so_do_its_sessions(house: House) -> None:
    for kind in ("phone", "passkey"):
        withdraw(house.world.dep, house.person.practitioner, house.keys[kind], origin=SYSTEM)
    with pytest.raises(Refusal, match="last-means"):
        withdraw(house.world.dep, house.person.practitioner, house.keys["totp"], origin=SYSTEM)
    assert house.living() == {"totp", "code"}


def test_a_means_is_usable_until_it_is_withdrawn(house: House) -> None:
    withdraw(house.world.dep, house.person.practitioner, house.keys["phone"], origin=SYSTEM)
    with writing(house.world.engine) as db:
        found = {kind: means.usable(db, house.person.practitioner, house.keys[kind]) for kind in ("phone", "totp")}
        assert found == {"phone": False, "totp": True}
        assert not means.usable(db, house.person.practitioner + 1, house.keys["totp"])
