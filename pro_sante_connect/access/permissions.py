"""One table: role → what it permits; and the one question asked of it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from pro_sante_connect.access.scope import Reach, Scope, covers


class Role(StrEnum):
    """What somebody is to the registry."""

    READER = "reader"
    REGISTRAR = "registrar"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    SECURITY = "security"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What may be done on a screen."""

    VIEW = "view"
    DECIDE = "decide"
    APPROVE = "approve"
    BLOCK = "block"
    LOADS = "loads"
    JOURNAL = "journal"
    MEMBERS = "members"


PERMITS: dict[Role, frozenset[Permission]] = {
    Role.READER: frozenset({Permission.VIEW}),
    Role.REGISTRAR: frozenset({Permission.VIEW, Permission.DECIDE, Permission.BLOCK}),
    Role.SUPERVISOR: frozenset(
        {Permission.VIEW, Permission.DECIDE, Permission.BLOCK, Permission.APPROVE, Permission.LOADS}
    ),
    Role.AUDITOR: frozenset({Permission.VIEW, Permission.JOURNAL, Permission.LOADS}),
    Role.SECURITY: frozenset({Permission.VIEW, Permission.BLOCK, Permission.JOURNAL}),
    Role.ADMINISTRATOR: frozenset({Permission.MEMBERS, Permission.LOADS, Permission.JOURNAL}),
}
# Two of these sign what takes two.
APPROVERS = tuple(role for role, permits in PERMITS.items() if Permission.APPROVE in permits)


@dataclass(frozen=True, slots=True)
class Held:
    """One role within its scope."""

    role: Role
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody who is signed in, as the rules see her."""

    id: int
    name: str
    email: str
    national_id: str
    held: tuple[Held, ...]

    @property
    def actor(self) -> str:
        """How the journal names her."""
        return f"account:{self.id}"


def may(member: Member, permission: Permission) -> bool:
    """Some role of hers permits it, whomever it concerns."""
    return any(permission in PERMITS[one.role] for one in member.held)


def may_on(member: Member, permission: Permission, national_id: str, reach: Reach) -> str:
    """Why not, a stable word, or an empty text. To look, some of the person must be within the scope of a role; to
    decide, all of what the decision weighs on, which is the `reach` then; and nobody decides about herself."""
    if not may(member, permission):
        return "role-missing"
    if permission is not Permission.VIEW and national_id == member.national_id:
        return "own-person"
    for one in member.held:
        whole = permission is not Permission.VIEW
        if permission in PERMITS[one.role] and covers(one.scope, reach, whole=whole):
            return ""
    return "out-of-scope"
