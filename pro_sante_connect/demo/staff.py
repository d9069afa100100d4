"""Fictional registry staff, one of each role that a tour needs; each joins by a link of one use."""

from typing import Any

from pro_sante_connect.access import accounts
from pro_sante_connect.core.database import writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.demo.people import ORIGIN
from pro_sante_connect.signals import invitations

# name, mail address, role
STAFF = (
    ("Rosa Lestel", "rosa@registre.example", "registrar"),
    ("Sami Quenouille", "sami@registre.example", "supervisor"),
    ("Ada Verveine", "ada@registre.example", "auditor"),
    ("Anne Tussilage", "anne@registre.example", "administrator"),
)


def ensure(dep: Deployment) -> list[dict[str, Any]]:
    """Accounts, and a fresh link for whoever has not joined; what the card says of them."""
    told = []
    for name, email, role in STAFF:
        with writing(dep.engine) as db:
            known = {account.email: account for account, _ in accounts.every(db)}.get(email)
            link = ""
            if known is None or known.joined_at is None:
                made = accounts.invite(
                    db, email=email, name=name, origin=ORIGIN, chance=dep.chance, now=dep.clock.now()
                )
                accounts.grant(db, made.account.id, role, origin=ORIGIN, now=dep.clock.now())
                link = invitations.link(made, base=dep.settings.issuer.wallet_base)
        told.append({"name": name, "email": email, "role": role, "join_url": link})
    return told
