"""What a role's scope, the rule of two and the journal must withstand."""

import json

import pytest
from sqlalchemy import select

from pro_sante_connect.access import accounts
from pro_sante_connect.access.models import Account, Grant
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.audit.models import Entry
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.errors import Refusal
from pro_sante_connect.rpps import decisions, registry
from pro_sante_connect.rpps.models import Activite
from pro_sante_connect.web.staff import approvals
from tests.access.clerk import Clerk, clerk
from tests.access.test_console import decision_count, events, people, proposal, state
from tests.oidc.parties import NATIONAL_ID, Cast, activite
from tests.serving import Served
from tests.web.test_pages import signed_in

__all__ = ["people"]


@pytest.mark.parametrize("advance", [0, 1])
def test_a_dated_suspension_ends_on_its_day_approved_or_not(served: Served, people: Cast, advance: int) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    rosa.decide(people.practitioner, "suspension", reason="DISC", until="2030-03-06")
    assert state(served, people.practitioner) == "suspended"
    if advance:
        sam.answer(proposal(served), "approve")
    served.world.clock.advance(3 * 86_400)
    assert state(served, people.practitioner) == "registered"


def test_one_structure_in_common_does_not_open_the_others(served: Served, people: Cast) -> None:
    first, second = people.activites
    who = clerk(served, "paul", "registrar", structures=(f"R{first:06d}",))
    for kind, fields in (("suspension", {"scope": f"activite:{second}"}), ("retirement", {}), ("suspension", {})):
        who.decide(people.practitioner, kind, reason="ADM" if fields or kind == "suspension" else "RL", **fields)
        assert who.page.status_code == 403
    assert decision_count(served) == 0
    who.decide(people.practitioner, "suspension", reason="ADM", scope=f"activite:{first}")
    with reading(served.world.engine) as db:
        assert [one.id for one in registry.open_activites(db, people.practitioner, now=served.world.now)] == [second]


def test_sessions_are_the_whole_person_s(served: Served, people: Cast) -> None:
    signed_in(served, people)
    with writing(served.world.engine) as db:
        person = registry.get(db, people.practitioner)
        row = Activite(
            practitioner_id=person.id, profession="21", category="C", key="z", rank=0, opened_at=served.world.now
        )
        db.add(row)
        db.flush()
        facts = json.loads(person.dossier)
        facts["exercices"].append(
            facts["exercices"][0] | {"profession": "21", "activites": [activite(row.id, "OFFICINE")]}
        )
        person.dossier = json.dumps(facts)
    who = clerk(served, "paul", "registrar", authorities=("CNOP",))
    who.open(f"/staff/people/{people.practitioner}")
    who.visitor.send("/sessions/end")
    assert who.page.status_code == 403
    assert "session:ended" not in events(served, f"practitioner:{people.practitioner}")


def test_her_own_number_counts_as_she_types_it_and_when_it_comes_later(served: Served, people: Cast) -> None:
    path = f"/staff/people/{people.practitioner}/decide/suspension"
    printed = clerk(served, "chloe", "supervisor", national_id=NATIONAL_ID[1:])
    later = clerk(served, "lea", "registrar")
    printed.open(path)
    assert printed.page.status_code == 403
    ada = clerk(served, "ada", "administrator")
    ada.open("/staff/members")
    asked = {"name": "Lea", "email": "lea@registre.example", "role": "registrar"}
    ada.visitor.send("/staff/members", national_id="n° 1", **asked)
    assert (ada.page.status_code, 'href="#national_id"' in ada.page.text) == (422, True)
    ada.visitor.send("/staff/members", national_id=NATIONAL_ID, **asked)
    assert "done=invited" in ada.visitor.url
    later.open(path)
    assert later.page.status_code == 403
    with reading(served.world.engine) as db:
        asked = select(Entry).where(Entry.event == "account:invited", Entry.subject == f"account:{later.account}")
        assert [one.facts.get("own_number") for one in db.scalars(asked.order_by(Entry.id))] == [None, NATIONAL_ID]


def test_two_accounts_of_one_person_are_one_signature(served: Served, people: Cast) -> None:
    own = "899875001283"
    first = clerk(served, "lea", "registrar", national_id=own)
    second = clerk(served, "lea.ars", "supervisor", national_id=own)
    first.decide(people.practitioner, "strike-off", reason="DISC")
    second.answer(proposal(served), "approve")
    assert second.page.status_code == 403
    assert state(served, people.practitioner) == "suspended"


def test_the_desk_counts_what_its_list_shows(served: Served, people: Cast) -> None:
    clerk(served, "rosa", "registrar").decide(people.practitioner, "strike-off", reason="DISC")
    within, beyond = clerk(served, "sam", "supervisor"), clerk(served, "paul", "supervisor", authorities=("CNOP",))
    assert 'id="waiting"' in within.open("/staff")
    assert 'id="waiting"' not in beyond.open("/staff")


@pytest.mark.parametrize("page", ["/staff/approvals", "/staff/approvals/{0}", "/staff/people/{1}/decide/suspension"])
def test_every_page_that_names_somebody_is_an_entry(served: Served, people: Cast, page: str) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    rosa.decide(people.practitioner, "strike-off", reason="DISC")
    assert "ARROSOIR" in sam.open(page.format(proposal(served), people.practitioner))
    with reading(served.world.engine) as db:
        hers = select(Entry).where(Entry.actor == f"account:{sam.account}")
        last = db.scalars(hers.order_by(Entry.id.desc())).first()
    assert last is not None
    assert (last.event, last.subject) == ("practitioner:viewed", f"practitioner:{people.practitioner}")


def test_an_old_reinstatement_lifts_nothing_that_was_decided_since(served: Served, people: Cast) -> None:
    sam, ines, paul = (clerk(served, name, "supervisor") for name in ("sam", "ines", "paul"))
    with writing(served.world.engine) as db:
        person = registry.get(db, people.practitioner)
        decisions.suspend(db, person, reason="DISC", origin=SYSTEM, now=served.world.now)
    sam.decide(people.practitioner, "reinstatement", reason="ADM")
    old = proposal(served)
    served.world.clock.advance(60)
    ines.decide(people.practitioner, "strike-off", reason="DISC")
    paul.answer(proposal(served), "approve")
    ines.answer(old, "approve")
    assert ines.page.status_code == 422
    assert state(served, people.practitioner) == "struck-off"
    ines.answer(old, "refuse", "dépassée")
    assert "done=refused" in ines.visitor.url


def test_whoever_is_retired_on_the_way_signs_no_more(
    served: Served, people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    rosa, sam, _ = (clerk(served, name, "supervisor") for name in ("rosa", "sam", "ines"))
    rosa.decide(people.practitioner, "strike-off", reason="DISC")
    number, judged = proposal(served), approvals._why_not
    sam.open(f"/staff/approvals/{number}")

    def late(*asked: object) -> str:
        found = judged(*asked)
        with writing(served.world.engine) as db:
            accounts.retire(db, sam.account, origin=SYSTEM, now=served.world.now)
        return found

    monkeypatch.setattr(approvals, "_why_not", late)
    sam.visitor.send(f"/staff/approvals/{number}", answer="approve")
    assert sam.page.status_code == 403
    assert state(served, people.practitioner) == "suspended"


def test_a_mistyped_first_supervisor_is_taken_back(served: Served) -> None:
    ada = clerk(served, "ada", "administrator")
    ada.open("/staff/members")
    many = [f"F75000000{number:06d}" for number in range(12)]
    ada.visitor.send(
        "/staff/members", name="Sam", email="typo@registre.example", role="supervisor", structures=" ".join(many)
    )
    with reading(served.world.engine) as db:
        wrong = db.scalars(select(Account.id).where(Account.email == "typo@registre.example")).one()
        assert db.scalars(select(Grant).where(Grant.account_id == wrong)).one().structures == many
    ada.open("/staff/members")
    ada.visitor.send(f"/staff/members/{wrong}/retire")
    assert "done=retired" in ada.visitor.url


def test_of_two_grants_of_the_last_supervisor_one_may_end(served: Served) -> None:
    world = served.world
    sam = clerk(served, "sam", "supervisor", authorities=("CNOM",))
    with writing(world.engine) as db:
        by = {"origin": SYSTEM, "now": world.now}
        second = accounts.grant(db, sam.account, "supervisor", authorities=("CNOP",), **by).id
        accounts.end_grant(db, second, origin=SYSTEM, now=world.now)
        [left] = db.scalars(select(Grant.id).where(Grant.ended_at.is_(None)))
        with pytest.raises(Refusal, match="last-of-role"):
            accounts.end_grant(db, left, origin=SYSTEM, now=world.now)


@pytest.mark.parametrize(
    "path",
    [
        f"/staff/people/{10**30}", f"/staff/people/{2**63}",
        f"/staff/approvals/{10**30}", f"/staff/loads/{2**63}", "/staff/people?q=%00", "/staff/journal?check=%C2%B2",
    ],
)  # fmt: skip
def test_odd_addresses_are_answered_calmly(served: Served, path: str) -> None:
    who = clerk(served, "ada", "auditor", "supervisor")
    who.open(path)
    assert who.page.status_code in (200, 400, 404)


def test_a_part_that_waits_does_not_keep_the_whole_from_being_stopped(served: Served, people: Cast) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    part = {"reason": "ADM", "scope": f"activite:{people.activites[0]}"}
    rosa.decide(people.practitioner, "suspension", **part)
    sam.decide(people.practitioner, "suspension", reason="DISC")
    assert state(served, people.practitioner) == "suspended"
    sam.decide(people.practitioner, "suspension", **part)
    assert sam.page.status_code == 422


@pytest.mark.parametrize("elsewhere", ["//[", "https://]", "http://[x"])
def test_an_odd_way_on_is_the_desk(served: Served, elsewhere: str) -> None:
    who = Clerk(served, 0, "")
    who.open(f"/staff/sign-in?next={elsewhere}")
    assert who.page.status_code == 200
