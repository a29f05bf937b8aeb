"""Who looks or acts: the public, a person, a key; and how a transaction becomes that viewer in PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import NotAllowed
from registry.roles import Permission

PORTAL_ROLE: Final = "threegates_portal"
# The public intake's: registry.tips.
INTAKE_ROLE: Final = "threegates_intake"
# Worker and scheduler: policies show them every row, and they own nothing.
JOBS_ROLE: Final = "threegates_jobs"
# The schema in which the jobs may make tables, each for one transaction.
WORKSHOP: Final = "judging"
NATION: Final = "000000"

# A bank sees what the public sees and its own credit; finance what officials see and credit of its region.
Audience = Literal["public", "bank", "official", "finance"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """One viewer of one request; `permissions` are already narrowed by organisation and, for keys, by scope."""

    kind: Literal["public", "person", "key", "sign_in", "gate", "press", "handover"] = "public"
    account_id: int | None = None
    key_id: int | None = None
    # As it stands in histories and in the audit: a login name, or the name of a key.
    actor: str = ""
    name: str = ""
    organisation_id: str = ""
    organisation_name: str = ""
    organisation_name_en: str = ""
    region: str = ""
    permissions: frozenset[Permission] = frozenset()
    # Of a key: what it was given; the permissions are these, narrowed by its organisation.
    scopes: frozenset[str] = frozenset()
    sign_in_id: int | None = None
    # The accounts whose roles this viewer holds by delegation: none of them may have drafted what it approves.
    acts_for: frozenset[int] = frozenset()
    # What credit in detail is read for: it stands with every such reading in the audit.
    purpose: str = ""
    # Credit would be for this viewer, and is withheld until the purpose is said.
    asks_purpose: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether the viewer has a permission."""
        return permission in self.permissions

    def organisation_in(self, language: str) -> str:
        """The organisation's name in a language; the Chinese one where it has no other."""
        return (self.organisation_name_en if language == "en" else "") or self.organisation_name

    def require(self, permission: Permission) -> None:
        """Raise NotAllowed without the permission."""
        if permission not in self.permissions:
            raise NotAllowed(
                "Your roles do not allow this.",
                where=permission,
                remedy="Sign in with an account that may do it, or ask your administrator for the role.",
            )

    @property
    def audience(self) -> Audience:
        """Which view of a page this viewer gets; rows beyond the region or bank are withheld below."""
        if "internal" in self.permissions:
            return "finance" if "credit" in self.permissions else "official"
        return "bank" if self.permissions & {"credit", "credit_own"} else "public"


PUBLIC: Final = Viewer()
# Sees accounts, keys and sign-ins while a request is being recognised, and nothing confidential else.
RECOGNISING: Final = Viewer(kind="sign_in")
# The portal itself, as it starts: it makes the first key.
STARTING: Final = Viewer(kind="key", actor="portal", region=NATION, permissions=frozenset({"accounts"}))

# The gate while it judges and signs: it keeps answers, and sees of credit what everybody may know.
GATEKEEPER: Final = Viewer(kind="gate", actor="gate")
# The register while it makes public what passed its approvals: it writes the days of publication into the facts.
PRESS: Final = Viewer(kind="press", actor="press", region=NATION)
# The register while it gives the alerts of somebody who leaves to a successor: whoever ends an account reads none.
HANDOVER: Final = Viewer(kind="handover", actor="handover")
# Words that no role has.
_OF_THE_PORTAL: Final[dict[str, frozenset[str]]] = {
    "sign_in": frozenset({"recognise"}),
    "gate": frozenset({"gatekeep"}),
    "press": frozenset({"press", "register"}),
    "handover": frozenset({"hand_over"}),
}

_BECOME: Final = text(
    """
    SELECT set_config('role', :role, true),
        set_config('threegates.permissions', :permissions, true),
        set_config('threegates.region', :region, true),
        set_config('threegates.organisation', :organisation, true),
        set_config('threegates.account', :account, true)
    """
)


async def become(session: AsyncSession, viewer: Viewer) -> None:
    """Let the rest of the transaction see and change only what the viewer may: docs/decisions/0004."""
    permissions = _OF_THE_PORTAL.get(viewer.kind, viewer.permissions)
    await (await session.connection()).execute(
        _BECOME,
        {
            "role": PORTAL_ROLE,
            # Between commas, so that a word is found whole.
            "permissions": f",{','.join(sorted(permissions))},",
            "region": viewer.region,
            "organisation": viewer.organisation_id,
            "account": str(viewer.account_id or ""),
        },
    )


_SETTINGS: Final = ("role", *(f"threegates.{name}" for name in ("permissions", "region", "organisation", "account")))
_NOW: Final = text("SELECT " + ", ".join(f"current_setting('{name}', true)" for name in _SETTINGS))
_AS_BEFORE: Final = text("SELECT " + ", ".join(f"set_config('{n}', :s{at}, true)" for at, n in enumerate(_SETTINGS)))


@asynccontextmanager
async def lending(session: AsyncSession, viewer: Viewer) -> AsyncIterator[None]:
    """The block as another viewer, and then as before; whoever came as the owner or as the jobs stays that."""
    connection = await session.connection()
    before = (await connection.execute(_NOW)).one()
    if before[0] != PORTAL_ROLE:
        yield
        return
    await become(session, viewer)
    yield
    await connection.execute(_AS_BEFORE, {f"s{at}": value or "" for at, value in enumerate(before)})
