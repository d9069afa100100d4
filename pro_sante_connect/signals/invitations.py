"""The mail with an invitation's link: sealed at rest, since the link opens an account."""

import json
from datetime import datetime

from sqlalchemy.orm import Session

from pro_sante_connect.access.accounts import Invited, subject
from pro_sante_connect.core import outbox
from pro_sante_connect.core.vault import Purpose, Vault


def link(made: Invited, *, base: str) -> str:
    """Where the passkey is made."""
    return f"{base}/staff/join/{made.token}"


def send(db: Session, made: Invited, *, base: str, language: str, vault: Vault, now: datetime) -> None:
    """To the account's own address, in the transaction that made the link."""
    sealed = vault.seal(json.dumps({"link": link(made, base=base)}).encode(), purpose=Purpose.OUTBOX_NOTE)
    facts = {
        "channel": "mail", "to": made.account.email, "template": "staff-invited", "language": language,
        "name": made.account.name,
    }  # fmt: skip
    outbox.write(db, "message:send", subject(made.account.id), now=now, facts=facts, sealed=sealed)
