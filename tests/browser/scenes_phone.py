"""The table, second half: the phone, the own space's changes, the ends."""

from tests.browser.scenes import SCENES, shows
from tests.browser.stage import Stage
from tests.ecps.requests import ask, wrong
from tests.ecps.test_pairing import issue


@shows("phone idle")
def _(stage: Stage) -> None:
    stage.phone()
    stage.go("/phone")


@shows("phone")
def _(stage: Stage) -> None:
    ask(stage.holder)
    SCENES["phone idle"](stage)


@shows("phone refused")
def _(stage: Stage) -> None:
    asked = ask(stage.holder)
    SCENES["phone idle"](stage)
    stage.send(number=wrong(asked.number))


@shows("phone_killed")
def _(stage: Stage) -> None:
    person = stage.stranger().enrol()  # wrong numbers count beyond a request
    asked = ask(person, person.national_id)
    stage.phone(person)
    stage.go("/phone")
    for _ in range(3):
        stage.send(number=wrong(asked.number))


@shows("refusal phone")
def _(stage: Stage) -> None:
    stage.phone()
    stage.go("/phone/scan/x")


@shows("phone_approve")
def _(stage: Stage) -> None:
    asked = ask(stage.holder)
    asked.type(asked.number)
    SCENES["phone idle"](stage)


@shows("phone_approve refused")
def _(stage: Stage) -> None:
    SCENES["phone_approve"](stage)
    stage.send(ecps_code="0000")


@shows("phone_freeze")
def _(stage: Stage) -> None:
    stage.phone()
    stage.go("/phone/freeze")


@shows("phone_frozen")
def _(stage: Stage) -> None:
    stage.phone(stage.stranger().enrol())
    stage.go("/phone/freeze")
    stage.send()


@shows("refusal pairing")
def _(stage: Stage) -> None:
    stage.go("/pair?t=x")
    stage.send()


@shows("means_withdraw")
def _(stage: Stage) -> None:
    stage.sign_in()
    stage.go(f"/space/means/{stage.means(stage.holder, 'totp')}/withdraw")


@shows("means_withdraw last")
def _(stage: Stage) -> None:
    stage.sign_in()
    stage.go(f"/space/means/{stage.means(stage.holder, 'code')}/withdraw")


@shows("means none")
def _(stage: Stage) -> None:
    stage.sign_in(stage.stranger())
    stage.go("/space/means")


@shows("space without practice")
def _(stage: Stage) -> None:
    stage.sign_in(stage.stranger())
    stage.go("/space")


@shows("signed_out everywhere")
def _(stage: Stage) -> None:
    stage.sign_in(stage.stranger())
    stage.go("/space/sessions")
    stage.send("#end-all")


@shows("sign_out_confirm address")
def _(stage: Stage) -> None:
    stage.sign_in()
    stage.go(f"/sign-out?client_id={stage.client()}&post_logout_redirect_uri=https://elsewhere.example")


@shows("paired phone")
def _(stage: Stage) -> None:
    stage.go("/pair?t=" + issue(stage.holder))
    stage.send()
