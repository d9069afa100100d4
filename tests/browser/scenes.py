"""The table: template → how to bring it on the stage. A page in two states has two rows."""

from collections.abc import Callable

from pro_sante_connect.ecps import enrolment
from tests.browser.stage import Stage
from tests.ecps.people import BROWSER, CODE, Candidate, suspend

Scene = Callable[[Stage], None]
SCENES: dict[str, Scene] = {}


def shows(row: str) -> Callable[[Scene], Scene]:
    """`template` or `template state`."""

    def keep(scene: Scene) -> Scene:
        assert row not in SCENES
        SCENES[row] = scene
        return scene

    return keep


def template(row: str) -> str:
    return row.partition(" ")[0] + ".html"


# Pages that need nobody.
for _row, _address in {
    "home": "/", "help": "/help", "accessibility": "/accessibility", "activate_identity": "/activate",
    "activate_codes": "/activate/codes?sent=1", "phone_unknown": "/phone", "phone_approved": "/phone/approved",
    "phone_refused": "/phone/refused", "pair": "/pair?t=x", "paired": "/paired", "signed_out": "/sign-out",
    "refusal page": "/nowhere", "refusal journey": "/journey/x", "refusal client": "/auth?client_id=nobody",
    "refusal activation": "/activate/code",
}.items():  # fmt: skip
    SCENES[_row] = lambda stage, address=_address: stage.go(address)

# Pages of the own space.
for _row, _address in {
    "space": "", "means": "/means", "means renamed": "/means?done=renamed", "means_passkey": "/means/passkey",
    "means_phone": "/means/phone", "sessions": "/sessions", "sessions ended": "/sessions?done=1",
    "history": "/history", "services none": "/services", "refusal space": "/means/none:1/withdraw",
    "sign_out_confirm": "/sign-out",
}.items():  # fmt: skip
    SCENES[_row] = lambda stage, address=_address: (stage.sign_in(), stage.go("/space" + address))


@shows("activate_identity refused")
def _(stage: Stage) -> None:
    stage.go("/activate")
    stage.send(login="é")


@shows("activate_codes refused")
def _(stage: Stage) -> None:
    stage.go("/activate/codes")
    stage.send(mail_code="AAAA-AAAA", sms_code="00000000")


def enrolling(stage: Stage, *, code: bool = True) -> Candidate:
    """Somebody whose two codes were right."""
    person = stage.stranger()
    person.token = person.verify(person.ask())
    if code:
        enrolment.choose_code(person.dep, person.token, CODE, origin=BROWSER)
    stage.keep("psc-enrolment", person.token)
    return person


@shows("activate_code")
def _(stage: Stage) -> None:
    enrolling(stage, code=False)
    stage.go("/activate/code")


@shows("activate_code refused")
def _(stage: Stage) -> None:
    enrolling(stage, code=False)
    stage.go("/activate/code")
    stage.send(code="1234")


@shows("activate_passkey")
def _(stage: Stage) -> None:
    enrolling(stage)
    stage.go("/activate/passkey")


@shows("activate_totp")
def _(stage: Stage) -> None:
    person = enrolling(stage)
    enrolment.skip_passkey(person.dep, person.token)
    stage.go("/activate/totp")
    stage.page.click("summary")


@shows("activate_totp skippable")
def _(stage: Stage) -> None:
    person = enrolling(stage)
    enrolment.finish_passkey(person.dep, person.token, person.make_passkey(), name="", origin=BROWSER)
    stage.go("/activate/totp")
    stage.send(otp="000000")


@shows("activate_done")
def _(stage: Stage) -> None:
    person = enrolling(stage)
    enrolment.finish_passkey(person.dep, person.token, person.make_passkey(), name="", origin=BROWSER)
    enrolment.skip_totp(person.dep, person.token)
    stage.go("/activate/done")


@shows("activate_end")
def _(stage: Stage) -> None:
    stage.phone()
    stage.go("/activate/done")


@shows("sign_in")
def _(stage: Stage) -> None:
    stage.journey()
    stage.go()


@shows("sign_in refused")
def _(stage: Stage) -> None:
    stage.journey()
    stage.go()
    stage.send("#code", login="é")


@shows("sign_in stronger")
def _(stage: Stage) -> None:
    stage.visitor.open(stage.ask(stage.client(), acr_values="eidas3"))
    stage.go()


@shows("sign_in own space")
def _(stage: Stage) -> None:
    stage.go("/space")


@shows("code")
def _(stage: Stage) -> None:
    stage.journey()
    stage.visitor.send("/sign-in", national_id=stage.holder.national_id)
    stage.go()


@shows("code refused")
def _(stage: Stage) -> None:
    SCENES["code"](stage)
    stage.send(ecps_code="0000", otp="000000")


@shows("refusal stopped")
def _(stage: Stage) -> None:
    person = stage.stranger().enrol()
    suspend(person)
    stage.journey()
    stage.visitor.send("/sign-in", national_id=person.national_id)
    stage.go()
    stage.send(ecps_code=CODE, otp=person.otp())


@shows("refusal signed out")
def _(stage: Stage) -> None:
    stage.journey()
    stage.go(stage.visitor.url.replace("/sign-in", "/consent"))


@shows("refusal own space signed out")
def _(stage: Stage) -> None:
    stage.visitor.open(stage.base + "/space")
    stage.go(stage.visitor.url.replace("/sign-in", "/activity"))


@shows("activity")
def _(stage: Stage) -> None:
    stage.sign_in()
    stage.journey(chooses_activity=True)
    stage.go()


@shows("activity refused")
def _(stage: Stage) -> None:
    SCENES["activity"](stage)
    stage.send()


@shows("activity many")
def _(stage: Stage) -> None:
    stage.sign_in(stage.busy)
    stage.journey(chooses_activity=True)
    stage.go()


@shows("activity found")
def _(stage: Stage) -> None:
    SCENES["activity many"](stage)
    stage.send("#find", q="lanterne")


@shows("activity not found")
def _(stage: Stage) -> None:
    SCENES["activity many"](stage)
    stage.send("#find", q="zzz")


@shows("consent")
def _(stage: Stage) -> None:
    stage.sign_in()
    stage.journey()
    stage.go()
    stage.page.click("summary >> nth=0")


@shows("services")
def _(stage: Stage) -> None:
    stage.sign_in()
    stage.journey(name_fr="Agenda")
    stage.visitor.send("/consent", follow=False)
    stage.go("/space/services")


@shows("form_post")
def _(stage: Stage) -> None:
    """Its script would leave at once: it is held back."""
    stage.sign_in()
    stage.page.route("**/form_post.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    stage.go(stage.ask(stage.client(asks_consent=False), response_mode="form_post"))


@shows("wait")
def _(stage: Stage) -> None:
    stage.wait()
    stage.go()


@shows("wait helped")
def _(stage: Stage) -> None:
    stage.wait()
    stage.served.world.clock.advance(20)
    stage.go()


@shows("wait matched")
def _(stage: Stage) -> None:
    stage.wait().type(stage.number())
    stage.go()


@shows("wait_over refused")
def _(stage: Stage) -> None:
    stage.wait().refuse()
    stage.go()


@shows("wait_over expired")
def _(stage: Stage) -> None:
    stage.wait()
    stage.served.world.clock.advance(121)
    stage.go()
