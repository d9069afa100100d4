"""Pages of registry staff, as the other scenes bring theirs on the stage."""

from pro_sante_connect.access import accounts
from pro_sante_connect.audit.journal import SYSTEM
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.statement import within
from pro_sante_connect.rpps import protection, registry
from pro_sante_connect.rpps.anomalies import Found
from pro_sante_connect.rpps.models import HELD, Anomaly, Load
from pro_sante_connect.rpps.postings import fill
from tests.access.clerk import Clerk, clerk
from tests.browser.scenes import shows
from tests.browser.scenes_phone import SCENES
from tests.browser.stage import Stage

__all__ = ["SCENES"]
ALL = ("reader", "registrar", "supervisor", "auditor", "security", "administrator")


def at_work(stage: Stage, name: str = "ines", *roles: str) -> Clerk:
    """A member of staff whose browser is the stage's."""
    who = clerk(stage.served, name, *(roles or ALL))
    stage.visitor = who.visitor
    return who


def invited(stage: Stage) -> str:
    """The link of somebody who has not joined."""
    world = stage.served.world
    with writing(world.engine) as db:
        made = accounts.invite(
            db, email="nina@registre.example", name="Nina", origin=SYSTEM, chance=world.chance, now=world.now
        )
    return f"/staff/join/{made.token}"


def person(stage: Stage) -> int:
    """Somebody of the registry, new at each call."""
    return stage.stranger().practitioner


@shows("staff_sign_in")
def _(stage: Stage) -> None:
    stage.go("/staff/sign-in")


@shows("staff_join")
def _(stage: Stage) -> None:
    stage.go(invited(stage))


@shows("refusal staff")
def _(stage: Stage) -> None:
    at_work(stage, "lea", "reader")
    stage.go("/staff/members")


for _row, _address in {
    "staff_desk": "", "staff_people": "/people", "staff_approvals": "/approvals",
    "staff_journal": "/journal?check=end", "staff_loads": "/loads", "staff_members": "/members",
}.items():  # fmt: skip

    @shows(_row)
    def _(stage: Stage, address: str = _address) -> None:
        at_work(stage)
        stage.go("/staff" + address)


@shows("staff_people found")
def _(stage: Stage) -> None:
    """By a name with a slip, by those who are found by it."""
    at_work(stage)
    person(stage)
    with writing(stage.served.world.engine) as db:
        fill(within(db))
    stage.go("/staff/people?q=arosoir&status=registered")
    assert stage.page.locator("article").count() > 0


@shows("staff_load")
def _(stage: Stage) -> None:
    """A load that is held."""
    at_work(stage)
    world = stage.served.world
    facts = {
        "reasons": [["many-absent", {"type": "8", "count": 40, "of": 1000}]],
        "samples": {"absent": ["899867004170"], "changed": []}, "differences": {"absent": 40, "unchanged": 960},
        "rejects": {"column_count": 3}, "unknown_codes": {}, "warnings": ["unknown column: Humeur"],
    }  # fmt: skip
    with writing(world.engine) as db:
        held = Load(
            state=HELD, author="operator:nina", stamp=world.now, stamp_origin="name", opened_at=world.now,
            heartbeat_at=world.now, closed_at=world.now, report=facts,
            files=[{"name": "ps-libreacces-personne-activite.txt", "rows": 1003}],
        )  # fmt: skip
        db.add(held)
        db.flush()
        number = held.id
    stage.go(f"/staff/loads/{number}")


def odd(stage: Stage) -> int:
    """An anomaly about somebody new, two from the load; the number of the first."""
    chosen, world = person(stage), stage.served.world
    with writing(world.engine) as db:
        rows = [Found("structure", chosen, detail="CABINET DU LILAS"), Found("unknown-code", detail="mode: Z", times=3)]
        made = [Anomaly(**one.row(world.now)) for one in rows]
        db.query(Anomaly).delete()
        db.add_all(made)
        db.flush()
        return made[0].id


@shows("staff_anomalies")
def _(stage: Stage) -> None:
    at_work(stage)
    odd(stage)
    stage.go("/staff/anomalies")
    assert stage.page.locator("article").count() == 2


@shows("staff_anomaly")
def _(stage: Stage) -> None:
    at_work(stage)
    stage.go(f"/staff/anomalies/{odd(stage)}")


@shows("staff_anomaly refused")
def _(stage: Stage) -> None:
    at_work(stage)
    stage.go(f"/staff/anomalies/{odd(stage)}")
    stage.send("#ignore", reason=" ")


@shows("staff_members refused")
def _(stage: Stage) -> None:
    at_work(stage)
    stage.go("/staff/members")
    stage.send(name="", email="x")


@shows("staff_person")
def _(stage: Stage) -> None:
    who, chosen = at_work(stage), person(stage)
    who.decide(chosen, "suspension", reason="DISC")
    stage.go(f"/staff/people/{chosen}?done=proposed")


@shows("staff_person protected")
def _(stage: Stage) -> None:
    """Whose protection ends if another person agrees."""
    who, chosen = at_work(stage), person(stage)
    world = stage.served.world
    with writing(world.engine) as db:
        protection.protect(db, registry.get(db, chosen), reason="PS_DANGER", origin=SYSTEM, now=world.now)
    who.decide(chosen, "protection-end", reason="ADM")
    stage.go(f"/staff/people/{chosen}?done=proposed")
    assert stage.page.locator("#protected").count() == 1


@shows("staff_decide protection")
def _(stage: Stage) -> None:
    at_work(stage)
    stage.go(f"/staff/people/{person(stage)}/decide/protection")
    stage.page.check("#reason-PS_DANGER")
    stage.send()


@shows("staff_decide")
def _(stage: Stage) -> None:
    at_work(stage)
    stage.go(f"/staff/people/{stage.busy.practitioner}/decide/suspension")


@shows("staff_decide refused")
def _(stage: Stage) -> None:
    at_work(stage)
    stage.go(f"/staff/people/{person(stage)}/decide/death")
    stage.send()


@shows("staff_decide confirm")
def _(stage: Stage) -> None:
    at_work(stage)
    stage.go(f"/staff/people/{person(stage)}/decide/strike-off")
    stage.page.check("#reason-DISC")
    stage.send(evidence="decision-2030-4")


def proposed(stage: Stage, author: str) -> str:
    """A strike-off that waits."""
    chosen = person(stage)
    who = clerk(stage.served, author, "registrar")
    who.decide(chosen, "strike-off", reason="DISC", note="séance du 3 mars")
    return who.open(f"/staff/people/{chosen}").partition('href="/staff/approvals/')[2].partition('"')[0]


@shows("staff_proposal")
def _(stage: Stage) -> None:
    number = proposed(stage, "rosa")
    at_work(stage)
    stage.go(f"/staff/approvals/{number}")


@shows("staff_proposal refused")
def _(stage: Stage) -> None:
    number = proposed(stage, "rosa")
    at_work(stage)
    stage.go(f"/staff/approvals/{number}")
    stage.send("#refuse")


@shows("staff_proposal own")
def _(stage: Stage) -> None:
    number = proposed(stage, "rosa")
    who = clerk(stage.served, "rosa")
    stage.visitor = who.visitor
    stage.go(f"/staff/approvals/{number}")


@shows("staff_decide practice")
def _(stage: Stage) -> None:
    """To end one of two practices, and what would follow."""
    at_work(stage)
    stage.go(f"/staff/people/{stage.busy.practitioner}/decide/activity-end")
    stage.page.check("#reason-CHL")
    stage.page.check("input[name=scope] >> nth=0")
    stage.send()
