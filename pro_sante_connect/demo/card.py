"""What the demo tells: `demo.json` for programs, a short card for people."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pro_sante_connect.core.deployment import Deployment
    from pro_sante_connect.demo.house import House
    from pro_sante_connect.demo.people import Person


def command(settings_file: Path, *, beside: Path | None = None) -> str:
    """What to type before a verb: the `psc` of the environment that runs this, which need not be on PATH.

    Paths below `beside`, where somebody types, are short; without it they are whole.
    """
    python = Path(sys.executable)
    script = python.with_name("psc")
    words = [script] if script.exists() else [python, "-m", "pro_sante_connect"]
    return shlex.join(str(_short(word, beside)) for word in (*words, "--settings", settings_file.resolve()))


def _short(word: Path | str, beside: Path | None) -> Path | str:
    # A bare name would be looked for on PATH.
    if isinstance(word, Path) and beside is not None and beside in word.parent.parents:
        return word.relative_to(beside)
    return word


def write(house: "House", dep: "Deployment", people: "list[Person]", staff: list[dict[str, Any]]) -> None:
    """The machine-readable card; its keys are stable."""
    from pro_sante_connect.demo import clients
    from pro_sante_connect.demo import people as everybody

    where = house.addresses
    issuer = dep.settings.issuer.issuer
    facts: dict[str, Any] = {
        "issuer": issuer,
        "discovery_url": f"{issuer}/.well-known/openid-configuration",
        "wallet_url": where.provider,
        "message_box_url": where.message_box,
        "demo_service_url": where.service,
        "clients": clients.card(dep.vault, where.service),
        "practitioners": everybody.card(dep.vault, people, where.message_box),
        "staff": [{"name": "operator", "command": command(house.settings_file)}, *staff],
    }
    house.card_file.write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", "utf-8")


_SHOWN = ("one-activity", "five-activities", "two-exercices", "pharmacist", "no-exercice", "suspended", "not-enrolled")


def readable(house: "House") -> str:
    """The card as a person reads it in a terminal."""
    facts = json.loads(house.card_file.read_text("utf-8"))
    lines = [
        "",
        "  Pro Santé Connect, in the open: the demo is ready. Everyone in it is fictional.",
        "",
        f"  Health service     {facts['demo_service_url']}          start here: sign in, look, sign out",
        f"  A second service   {facts['demo_service_url']}/agenda   opens without a new sign-in",
        f"  Message box        {facts['message_box_url']}          mails and SMS that would be sent",
        f"  Activate an e-CPS  {facts['wallet_url']}/activate",
        f"  My own space       {facts['wallet_url']}/space",
        f"  Registry staff     {facts['wallet_url']}/staff",
        f"  Discovery          {facts['discovery_url']}",
        "",
        f"  {'who':18} {'number':14} {'name':28} {'e-CPS code':11} one-time secret",
    ]
    for person in facts["practitioners"]:
        if person["situation"] in _SHOWN:
            name = f"{person['given_name']} {person['family_name']}"
            code, secret = person["ecps_code"] or "-", person["totp_secret"] or "-"
            lines.append(f"  {person['situation']:18} {person['national_id']:14} {name:28} {code:11} {secret}")
    if house.virtual_phone:
        phone = "Their phones answer by themselves: choose « my phone » on the sign-in page."
    else:
        phone = f"Their phones: {facts['message_box_url']}/phones (open one in another browser profile)"
    lines += ["", "  Staff join once by these links, each in a browser profile of its own:"]
    lines += [f"  {one['role']:18} {one['join_url']}" for one in facts["staff"] if one.get("join_url")]
    lines += [
        "",
        f"  {phone}",
        f"  For programs: {house.card_file}    Logs: {house.data / 'logs'}",
        f"  Command line: {command(house.settings_file, beside=Path.cwd())} practitioner show NUMBER",
        "  Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)
