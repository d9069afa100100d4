"""The console over HTTP: join, sign in, look, decide alone and in two, and what each role may not do."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pro_sante_connect.access import accounts
from pro_sante_connect.access.models import Account, AccountPasskey, Grant, Proposal
from pro_sante_connect.access.permissions import PERMITS
from pro_sante_connect.audit import seal
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.audit.models import Entry, Seal
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.outbox import OutboxNote
from pro_sante_connect.demo.passkey import SoftwarePasskey, encoded
from pro_sante_connect.ecps.models import Card
from pro_sante_connect.rpps import decisions, registry, status
from pro_sante_connect.rpps.models import Decision
from pro_sante_connect.signals.housekeeping import seal_journal
from pro_sante_connect.web.staff import records
from tests.access.clerk import Clerk, clerk
from tests.ecps.people import reached
from tests.oidc.parties import NATIONAL_ID, Cast, document, make_cast
from tests.serving import Served
from tests.web.test_pages import ask, returned, signed_in


@pytest.fixture
def people(served: Served) -> Cast:
    made = make_cast(served.world)
    made.machine = served.app.extensions["psc"].machine
    return made


def state(served: Served, person: int) -> str:
    with reading(served.world.engine) as db:
        return status.status(registry.standing(db, person), now=served.world.now).value


def proposal(served: Served) -> int:
    with reading(served.world.engine) as db:
        return db.scalars(select(Proposal.id).order_by(Proposal.id.desc())).first() or 0


def events(served: Served, subject: str) -> list[str]:
    with reading(served.world.engine) as db:
        return list(db.scalars(select(Entry.event).where(Entry.subject == subject).order_by(Entry.id)))


def test_without_a_session_every_page_asks_for_one_and_returns_to_it(served: Served) -> None:
    who = clerk(served, "lea", "reader")
    assert who.page.status_code == 200
    assert who.visitor.url.endswith("/staff")
    other = Clerk(served, who.account, who.token, passkey=who.passkey)
    other.sign_in(page="/staff/approvals")
    assert other.visitor.url.endswith("/staff/approvals")
    for elsewhere in ("https://evil.example/staff", "//evil.example/staff", "/staff//evil.example", "/staff\\evil"):
        other = Clerk(served, who.account, who.token, passkey=who.passkey)
        other.open(f"/staff/sign-in?next={elsewhere}")
        assert 'name="next" value="/staff"' in other.page.text


def test_a_link_works_once_and_another_one_replaces_key_and_sessions(served: Served) -> None:
    who = clerk(served, "lea", "reader")
    assert Clerk(served, who.account, who.token).visitor.open(f"{served.base}/staff/join/{who.token}")
    other = Clerk(served, who.account, who.token)
    other.open(f"/staff/join/{who.token}")
    assert other.page.status_code == 404
    again = clerk(served, "lea")
    assert again.account == who.account
    who.open("/staff")
    assert who.visitor.url.partition("?")[0].endswith("/sign-in")
    who.sign_in()
    assert who.page.status_code == 422
    with reading(served.world.engine) as db:
        assert len(list(db.scalars(select(AccountPasskey).where(AccountPasskey.withdrawn_at.is_(None))))) == 1


def test_a_wrong_answer_of_an_authenticator_keeps_nothing_and_loses_nothing(served: Served) -> None:
    world = served.world
    with writing(world.engine) as db:
        made = accounts.invite(
            db, email="lea@registre.example", name="Lea", origin=SYSTEM, chance=world.chance, now=world.now
        )
    who, path = Clerk(served, made.account.id, made.token), f"/staff/join/{made.token}"
    who.open(path)
    asked = who.asked(path + "/options")
    key = SoftwarePasskey.derived(bytes(32), rp_id="localhost", holder=str(asked["user"]["id"]))
    elsewhere = key.create(asked, origin="https://evil.example")
    unasked = key.create(asked | {"challenge": encoded(bytes(32))}, origin=served.base)
    for wrong in (
        "",
        "{",
        json.dumps(unasked),
        json.dumps(elsewhere),
        json.dumps(key.create(asked, origin=served.base)),
    ):
        said = who.visitor.send(made.token, credential=wrong, name="ma clé")
        assert who.page.status_code == 422
        assert 'value="ma clé"' in said
    with reading(world.engine) as db:
        assert db.scalars(select(AccountPasskey)).all() == []
    assert who.join().sign_in().page.status_code == 200


def test_signing_out_ends_the_session_and_is_an_entry(served: Served) -> None:
    who = clerk(served, "lea", "reader")
    cookies = who.visitor.session.cookies.copy()
    who.visitor.send("/staff/sign-out")
    who.visitor.session.cookies.update(cookies)
    who.open("/staff")
    assert who.visitor.url.partition("?")[0].endswith("/sign-in")
    assert events(served, f"account:{who.account}")[-1] == "account:signed-out"


def test_a_session_ends_after_a_quarter_of_an_hour_of_silence(served: Served) -> None:
    who = clerk(served, "lea", "reader")
    served.world.clock.advance(14 * 60)
    who.open("/staff")
    assert who.visitor.url.endswith("/staff")
    served.world.clock.advance(16 * 60)
    who.open("/staff")
    assert "/staff/sign-in" in who.visitor.url


def test_a_look_at_a_person_is_an_entry_and_a_search_keeps_no_name(served: Served, people: Cast) -> None:
    who = clerk(served, "lea", "reader")
    text = who.open(f"/staff/people?q={NATIONAL_ID[1:]}")
    assert who.visitor.url.endswith(f"/staff/people/{people.practitioner}")
    assert NATIONAL_ID in text
    assert events(served, f"practitioner:{people.practitioner}")[-1] == "practitioner:viewed"
    with reading(served.world.engine) as db:
        searched = db.scalars(select(Entry).where(Entry.event == "registry:searched")).one()
    assert searched.facts == {"found": [people.practitioner], "more": False}


def test_a_suspension_stops_at_once_and_falls_unless_confirmed(served: Served, people: Cast) -> None:
    client = people.client(asks_consent=False)
    browser = signed_in(served, people)
    tokens = document(people.redeem(client, returned(ask(served, browser, client[0]))["code"]))
    who = clerk(served, "rosa", "registrar")
    path = f"/staff/people/{people.practitioner}/decide/suspension"
    who.open(path)
    seen = who.visitor.send(path, reason="DISC")
    assert re.search(r'id="consequence"[^>]*>[^<]*1[^<]*1', seen)
    assert state(served, people.practitioner) == "registered"
    assert 'value="DISC" required checked' in who.visitor.send(path, change="1")
    who.visitor.send(path, reason="DISC")
    who.visitor.send(path, confirmed="1")
    assert state(served, people.practitioner) == "suspended"
    assert people.introspect(client, tokens["access_token"]) == {"active": False}
    served.world.clock.advance(7 * 86_400)
    assert state(served, people.practitioner) == "registered"


def test_the_second_signature_makes_a_suspension_last(served: Served, people: Cast) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    rosa.decide(people.practitioner, "suspension", reason="SANTE")
    sam.answer(proposal(served), "approve")
    assert "done=approved" in sam.visitor.url
    served.world.clock.advance(8 * 86_400)
    assert state(served, people.practitioner) == "suspended"


def test_a_strike_off_takes_two_and_suspends_meanwhile(served: Served, people: Cast) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    rosa.decide(people.practitioner, "strike-off", reason="DISC", evidence="decision-2030-4")
    assert state(served, people.practitioner) == "suspended"
    sam.answer(proposal(served), "approve")
    assert state(served, people.practitioner) == "struck-off"


def test_a_death_suspends_at_once_and_ends_the_e_cps_with_the_second_signature(served: Served, people: Cast) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    person = people.practitioner
    reached(served.world, person).enrol()
    rosa.decide(person, "death", reason="DCD")
    assert rosa.page.status_code == 422
    rosa.decide(person, "death", reason="DCD", evidence="acte-7")
    assert (state(served, person), card_state(served, person)) == ("suspended", "active")
    served.world.clock.advance(7 * 86_400)
    assert state(served, person) == "registered"
    rosa.sign_in().decide(person, "death", reason="DCD", evidence="acte-7")
    sam.sign_in().answer(proposal(served), "approve")
    assert (state(served, person), card_state(served, person)) == ("deceased", "withdrawn")


def test_a_decision_may_wait_for_its_day(served: Served, people: Cast) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    person, day = people.practitioner, served.world.now + timedelta(days=2)
    path = f"/staff/people/{person}/decide/suspension"
    rosa.open(path)
    seen = rosa.visitor.send(path, reason="ADM", effective=f"{day:%Y-%m-%d}")
    assert "Rien ne change avant cette date" in seen
    rosa.visitor.send(path, confirmed="1")
    assert f"{day:%-d}" in sam.open(f"/staff/approvals/{proposal(served)}").partition("date d’effet")[2][:40]
    sam.answer(proposal(served), "approve")
    assert state(served, person) == "registered"
    served.world.clock.advance(2 * 86_400)
    assert state(served, person) == "suspended"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"effective": "2020-01-01"}, "date d’effet est passée"), ({"effective": "demain"}, "ne se lit pas"),
        ({"until": "9999-12-31"}, "ne se lit pas"), ({"until": "2020-01-01"}, "précède"),
        ({"scope": "activite:²"}, "portée"), ({"scope": "exercice:99/Z"}, "exercice"),
    ],
)  # fmt: skip
def test_a_day_or_reach_that_cannot_be_is_told_beside_what_was_typed(
    served: Served, people: Cast, fields: dict[str, str], code: str
) -> None:
    rosa = clerk(served, "rosa", "registrar")
    seen = rosa.decide(people.practitioner, "suspension", reason="ADM", authority="ordre-7", **fields)
    assert rosa.page.status_code == 422
    assert code in seen.partition('id="problem-text"')[2].partition("</p>")[0]
    assert 'value="ordre-7"' in seen
    assert decision_count(served) == 0


def test_today_is_from_now_on(served: Served, people: Cast) -> None:
    rosa, today = clerk(served, "rosa", "registrar"), f"{served.world.now:%Y-%m-%d}"
    rosa.decide(people.practitioner, "retirement", reason="RL", effective=today)
    assert state(served, people.practitioner) == "retired"


def test_one_practice_is_ended_for_good_and_the_others_stay(served: Served, people: Cast) -> None:
    rosa, person = clerk(served, "rosa", "registrar"), people.practitioner
    path = f"/staff/people/{person}/decide/activity-end"
    rosa.open(path)
    assert 'id="scope-person"' not in rosa.page.text
    rosa.visitor.send(path, reason="CHL")
    assert rosa.page.status_code == 422
    first, second = people.activites
    seen = rosa.visitor.send(path, reason="CHL", scope=f"activite:{first}")
    assert "les sessions continuent" in seen
    assert f"activite:{first}" not in seen.partition("<dl>")[2].partition("</dl>")[0]
    rosa.visitor.send(path, confirmed="1")
    with reading(served.world.engine) as db:
        assert [one.id for one in registry.open_activites(db, person, now=served.world.now)] == [second]
    rosa.decide(person, "activity-end", reason="CHL", scope=f"activite:{first}")
    assert rosa.page.status_code == 422


def test_the_second_person_sees_what_the_decision_weighs_on(served: Served, people: Cast) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    day = served.world.now + timedelta(days=90)
    rosa.decide(
        people.practitioner, "suspension", reason="ADM", scope=f"activite:{people.activites[0]}",
        until=f"{day:%Y-%m-%d}",
    )  # fmt: skip
    with reading(served.world.engine) as db:
        one = registry.every_activite(registry.get(db, people.practitioner))[0].facts["structure"]
    seen = sam.open(f"/staff/approvals/{proposal(served)}").partition("<dl>")[2].partition("</dl>")[0]
    assert (one["trade_name"] or one["legal_name"]) in seen
    assert f"{day + timedelta(days=1):%Y}" in seen.partition("date de fin")[2]


def test_a_refusal_needs_a_word_and_lifts_what_stood_meanwhile(served: Served, people: Cast) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    rosa.decide(people.practitioner, "strike-off", reason="DISC")
    sam.answer(proposal(served), "refuse")
    assert sam.page.status_code == 422
    assert state(served, people.practitioner) == "suspended"
    sam.answer(proposal(served), "refuse", "dossier incomplet")
    assert state(served, people.practitioner) == "registered"


def test_nobody_restores_alone(served: Served, people: Cast) -> None:
    sam, ines = clerk(served, "sam", "supervisor"), clerk(served, "ines", "supervisor")
    with writing(served.world.engine) as db:
        person = registry.get(db, people.practitioner)
        decisions.suspend(db, person, reason="DISC", origin=SYSTEM, now=served.world.now)
    sam.decide(people.practitioner, "reinstatement", reason="ADM")
    assert state(served, people.practitioner) == "suspended"
    sam.open(f"/staff/approvals/{proposal(served)}")
    assert 'id="approve"' not in sam.page.text
    token = re.findall(r'name="csrf_token" value="(\w+)"', sam.page.text)[0]
    forced = {"csrf_token": token, "answer": "approve"}
    address = f"{served.base}/staff/approvals/{proposal(served)}"
    assert sam.visitor.session.post(address, forced, timeout=20).status_code == 403
    ines.answer(proposal(served), "approve")
    assert state(served, people.practitioner) == "registered"


def test_each_role_opens_its_pages_and_no_other(served: Served, people: Cast) -> None:
    pages = {
        "view": f"/staff/people/{people.practitioner}",
        "decide": f"/staff/people/{people.practitioner}/decide/suspension",
        "block": f"/staff/people/{people.practitioner}/decide/security-block",
        "loads": "/staff/loads",
        "journal": "/staff/journal", "members": "/staff/members",
    }  # fmt: skip
    for role, permits in PERMITS.items():
        who = clerk(served, role.value, role.value)
        for permission, page in pages.items():
            who.open(page)
            assert who.page.status_code == (200 if permission in permits else 403), (role, permission)
            navigation = who.open("/staff").partition("<main")[0]
            if permission in ("loads", "journal", "members"):
                assert (f'href="{page}"' in navigation) == (permission in permits)


def test_a_member_decides_within_her_authority_only(served: Served, people: Cast) -> None:
    doctors = clerk(served, "rosa", "registrar", authorities=("CNOM",))
    chemists = clerk(served, "paul", "registrar", authorities=("CNOP",))
    chemists.open(f"/staff/people/{people.practitioner}")
    assert chemists.page.status_code == 403
    chemists.open(f"/staff/people?q={NATIONAL_ID[1:]}")
    assert NATIONAL_ID not in chemists.page.text
    chemists.open(f"/staff/people/{people.practitioner}/decide/suspension")
    assert chemists.page.status_code == 403
    assert decision_count(served) == 0
    doctors.decide(people.practitioner, "retirement", reason="RL")
    assert state(served, people.practitioner) == "retired"


def card_state(served: Served, person: int) -> str:
    with reading(served.world.engine) as db:
        return db.scalars(select(Card.state).where(Card.practitioner_id == person)).one()


def decision_count(served: Served) -> int:
    with reading(served.world.engine) as db:
        return len(list(db.scalars(select(Decision.id))))


def test_nobody_decides_about_herself(served: Served, people: Cast) -> None:
    own = clerk(served, "chloe", "supervisor", national_id=NATIONAL_ID)
    own.open(f"/staff/people/{people.practitioner}/decide/suspension")
    assert own.page.status_code == 403
    clerk(served, "rosa", "registrar").decide(people.practitioner, "strike-off", reason="ADM")
    own.open(f"/staff/approvals/{proposal(served)}")
    assert 'id="approve"' not in own.page.text


def test_a_mistyped_decision_comes_back_with_what_was_typed(served: Served, people: Cast) -> None:
    who = clerk(served, "rosa", "registrar")
    path = f"/staff/people/{people.practitioner}/decide/limit"
    for until in ("31/10/2031", "2029-01-01", ""):
        who.open(path)
        seen = who.visitor.send(path, reason="AUTO", until=until, note="licence de remplacement")
        assert who.page.status_code == 422
        assert "licence de remplacement" in seen
        assert 'aria-invalid="true"' in seen
    who.decide(people.practitioner, "limit", reason="AUTO", until="2030-03-05")
    assert state(served, people.practitioner) == "registered"
    served.world.clock.advance(86_400)
    assert state(served, people.practitioner) == "suspended"


def test_one_activity_can_be_suspended_alone(served: Served, people: Cast) -> None:
    who = clerk(served, "rosa", "registrar")
    who.decide(people.practitioner, "suspension", reason="ADM", scope=f"activite:{people.activites[0]}")
    assert state(served, people.practitioner) == "registered"
    with reading(served.world.engine) as db:
        usable = [one.id for one in registry.open_activites(db, people.practitioner, now=served.world.now)]
    assert usable == [people.activites[1]]
    who.decide(people.practitioner, "suspension", reason="ADM", scope="activite:999999")
    assert who.page.status_code == 422


def test_the_time_line_tells_the_story_and_the_chain_is_checked(served: Served, people: Cast) -> None:
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    rosa.decide(people.practitioner, "suspension", reason="DISC")
    sam.answer(proposal(served), "approve")
    line = sam.open(f"/staff/people/{people.practitioner}").partition('id="line"')[2]
    for word in (
        "Décision du registre",
        "Décision proposée",
        "Décision confirmée",
        "Entrée dans l’annuaire",
        "Rosa",
        "Sam",
    ):
        assert word in line
    seal_journal(served.world.dep)
    reader = clerk(served, "ada", "auditor")
    assert "note ok" in reader.open("/staff/journal?check=end")
    only = reader.open("/staff/journal?event=proposal:approved")
    assert only.count('<th scope="row">proposal:approved') == 1
    table = reader.open("/staff/journal.csv?event=proposal:approved")
    assert table.splitlines()[0] == "at,event,subject,actor,client,address,facts"
    assert len(table.splitlines()) == 2
    assert reader.page.headers["Content-Type"].startswith("text/csv")


def test_the_chain_is_checked_in_parts_from_its_end(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = clerk(served, "ada", "auditor")
    assert "encore scellée" in reader.open("/staff/journal?check=end")
    monkeypatch.setattr(records, "WALKED", 2)
    seal_journal(served.world.dep)
    reader.open("/staff/journal")
    with writing(served.world.engine) as db:
        sealed, unsealed = seal.last(db), db.scalars(select(func.max(Entry.id))).one()
        db.add(Seal(position=sealed + 1, entry=unsealed, digest="0" * 64))
    assert f"position {sealed + 1}" in reader.open("/staff/journal?check=end")
    assert "note danger" in reader.page.text
    for at in range(sealed - 1, 0, -2):
        assert f'href="/staff/journal?check={at}"' in reader.page.text
        assert f"position {max(1, at - 1)} à la position {at}." in reader.open(f"/staff/journal?check={at}")
    assert 'id="check-before"' not in reader.page.text


def test_an_e_cps_is_ended_by_two_and_its_sessions_by_one(served: Served, people: Cast) -> None:
    reached(served.world, people.practitioner).enrol()
    rosa, sam = clerk(served, "rosa", "registrar"), clerk(served, "sam", "supervisor")
    signed_in(served, people)
    assert rosa.open(f"/staff/people/{people.practitioner}").count("5 mars 2030") > 2
    rosa.visitor.send("/sessions/end")
    assert "done=ended" in rosa.visitor.url
    assert events(served, f"practitioner:{people.practitioner}").count("session:ended") == 1
    rosa.decide(people.practitioner, "means-reset", reason="SECU")
    assert state(served, people.practitioner) == "registered"
    sam.answer(proposal(served), "approve")
    assert "card:ended" in events(served, f"practitioner:{people.practitioner}")
    rosa.decide(people.practitioner, "means-reset", reason="SECU")
    sam.answer(proposal(served), "approve")
    assert sam.page.status_code == 404  # there is none any more


def test_an_administrator_invites_and_retires_but_neither_herself_nor_the_last(served: Served) -> None:
    ada = clerk(served, "ada", "administrator")
    ada.open("/staff/members")
    ada.visitor.send("/staff/members", name="Rosa Pré", email="rosa@registre.example", role="registrar")
    assert "done=invited" in ada.visitor.url
    with reading(served.world.engine) as db:
        [mail] = [note.facts for note in db.scalars(select(OutboxNote)) if note.topic == "message:send"]
        rosa = db.scalars(select(Account).where(Account.email == "rosa@registre.example")).one().id
    assert (mail["to"], mail["template"]) == ("rosa@registre.example", "staff-invited")
    ada.visitor.send("/staff/members", name="x", email="not an address", role="registrar")
    assert ada.page.status_code == 422
    ada.open("/staff/members")
    ada.visitor.send(f"/staff/members/{rosa}/retire")
    assert "done=retired" in ada.visitor.url
    token = re.findall(r'name="csrf_token" value="(\w+)"', ada.page.text)[0]
    own = f"{served.base}/staff/members/{ada.account}/retire"
    assert ada.visitor.session.post(own, {"csrf_token": token}, timeout=20).status_code == 403
    other = clerk(served, "bob", "administrator")
    other.open("/staff/members")
    other.visitor.send(f"/staff/members/{ada.account}/retire")
    assert "done=retired" in other.visitor.url
    ada.open("/staff")
    assert "/staff/sign-in" in ada.visitor.url


def test_an_administrator_sends_another_link_and_takes_roles_back(served: Served) -> None:
    ada, sam = clerk(served, "ada", "administrator"), clerk(served, "sam", "supervisor")
    with reading(served.world.engine) as db:
        role = db.scalars(select(Grant.id).where(Grant.account_id == sam.account)).one()
    ada.open("/staff/members")
    ada.visitor.send(f"/staff/grants/{role}/end")
    assert ada.page.status_code == 422  # the last supervisor
    clerk(served, "ines", "supervisor")
    ada.open("/staff/members")
    ada.visitor.send(f"/staff/grants/{role}/end")
    assert "done=role-ended" in ada.visitor.url
    sam.open("/staff/people")
    assert sam.page.status_code == 403
    ada.visitor.send(f"/staff/members/{sam.account}/link")
    assert "done=invited" in ada.visitor.url
    with reading(served.world.engine) as db:
        mails = [one.facts for one in db.scalars(select(OutboxNote)) if one.topic == "message:send"]
    assert [mail["to"] for mail in mails] == ["sam@registre.example"]
    bob = clerk(served, "bob", "administrator")
    bob.open("/staff/members")
    with reading(served.world.engine) as db:
        last = db.scalars(select(Grant.id).where(Grant.account_id == ada.account)).one()
    bob.visitor.send(f"/staff/grants/{last}/end")
    assert "done=role-ended" in bob.visitor.url
    bob.visitor.send(f"/staff/members/{ada.account}/retire")
    assert "done=retired" in bob.visitor.url


def test_hostile_addresses_are_refused_calmly(served: Served, people: Cast) -> None:
    who = clerk(served, "ada", "auditor", "supervisor")
    for path, expected in {
        "/staff/people/999999": 404, "/staff/people/0": 404, f"/staff/people/{2**62}": 404,
        f"/staff/people/{people.practitioner}/decide/magic": 404, "/staff/approvals/999": 404,
        "/staff/people?q=%25%25__": 200, "/staff/people?q=" + "a" * 5000: 200, "/staff/people?q=<script>": 200,
        "/staff/journal?before=99999999999999999999": 200, "/staff/journal?before=x": 200, "/staff/join/x": 404,
    }.items():  # fmt: skip
        who.open(path)
        assert who.page.status_code == expected, path
        assert "<script>" not in who.page.text
