"""Roles of people and scopes of keys, as sets of permissions; what each permission means: docs/decisions/0004."""

from typing import Final, Literal

Permission = Literal[
    "internal",
    "credit",
    "credit_own",
    "register",
    "decide",
    "approve",
    "publish",
    "gate",
    "accounts",
    "operate",
    "audit",
]
Role = Literal["reader", "officer", "reviewer", "supervisor", "publisher", "administrator", "auditor"]
OrganisationKind = Literal["agency", "bank"]

PERMISSIONS: Final[tuple[Permission, ...]] = Permission.__args__  # type: ignore[attr-defined]  # typing's own tuple
ROLES: Final[tuple[Role, ...]] = Role.__args__  # type: ignore[attr-defined]  # typing's own tuple

OF_ROLE: Final[dict[Role, frozenset[Permission]]] = {
    "reader": frozenset({"internal", "gate"}),
    "officer": frozenset({"internal", "gate", "register"}),
    "reviewer": frozenset({"internal", "gate", "decide"}),
    "supervisor": frozenset({"internal", "gate", "decide", "approve"}),
    "publisher": frozenset({"internal", "publish"}),
    # Who runs the accounts and the machines needs no file of any project, and who audits changes nothing.
    "administrator": frozenset({"accounts", "operate"}),
    "auditor": frozenset({"audit"}),
}
# Roles that read files read credit too where their organisation is of the credit lane (a bank: its own only).
READING_ROLES: Final[frozenset[Role]] = frozenset({"reader", "officer", "reviewer", "supervisor"})

# What is confidential: reading it is entered in the audit with its purpose.
CREDIT_PERMISSIONS: Final[frozenset[Permission]] = frozenset({"credit", "credit_own"})

# A bank's people see what the public sees, their own bank's credit, and the gate.
OF_BANK: Final[frozenset[Permission]] = frozenset({"credit_own", "gate", "accounts", "audit"})

# What a key may be given; a key never runs accounts.
SCOPES: Final[dict[str, frozenset[Permission]]] = {
    "read": frozenset({"internal"}),
    "write": frozenset({"register"}),
    "credit": frozenset({"credit", "credit_own"}),
    "gate": frozenset({"gate"}),
    "operate": frozenset({"operate"}),
}


def permissions_of(roles: frozenset[Role], kind: OrganisationKind, lanes: frozenset[str]) -> frozenset[Permission]:
    """What somebody with these roles in such an organisation may do; `lanes` are the organisation's."""
    granted = frozenset[Permission]().union(*(OF_ROLE[role] for role in roles))
    if roles & READING_ROLES:
        if kind == "bank":
            granted |= {"credit_own"}
        elif "credit" in lanes:
            granted |= {"credit"}
    return granted & OF_BANK if kind == "bank" else granted


def permissions_of_key(scopes: frozenset[str], kind: OrganisationKind, lanes: frozenset[str]) -> frozenset[Permission]:
    """What a key with these scopes may do for its organisation."""
    granted = frozenset[Permission]().union(*(SCOPES[scope] for scope in scopes))
    if kind == "bank":
        return granted & OF_BANK
    return granted - {"credit_own"} if "credit" in lanes else granted - {"credit", "credit_own"}
