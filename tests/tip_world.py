"""A world for reports: desks at three heights with keys whose private halves the tests hold, and one thread at will."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import asyncpg
from pyrage.x25519 import Identity

from registry.tips.sealing import fingerprint

TODAY = date(2026, 11, 21)
# id, region, lanes, whether two people open
DESKS = (
    ("desk-nation", "000000", ("approval", "land", "environment", "credit"), False),
    ("desk-hebei", "130000", ("approval", "land"), True),
    ("desk-tangshan", "130200", ("approval",), False),
)
_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class TipWorld:
    """The private keys of each desk's groups."""

    keys: dict[tuple[str, str], Identity] = field(default_factory=dict)

    def opening(self, desk: str, outer: Identity) -> list[list[Identity]]:
        """The keys that open a part for a desk, the outermost layer's first."""
        groups = [[self.keys[desk, group]] for group in ("B", "A") if (desk, group) in self.keys]
        return [[outer], *groups]


async def build(dsn: str) -> TipWorld:
    """Write the desks, their people and their public keys."""
    world = TipWorld()
    connection = await asyncpg.connect(dsn)
    try:
        for identity, region, lanes, two_people in DESKS:
            await connection.execute(
                "INSERT INTO organisations (id, kind, name_zh, name_en, region, lanes, invented, created_at) "
                "VALUES ($1, 'agency', $2, $3, $4, $5, true, $6)",
                identity, f"示例{identity}", f"Example {identity}", region, list(lanes), _AT,
            )  # fmt: skip
            add_person = (
                "INSERT INTO accounts (login, name, organisation_id, region, state, invented, created_at) "
                "VALUES ($1, '示例', $2, $3, 'active', true, $4) RETURNING id"
            )
            accounts = [
                await connection.fetchval(add_person, f"{identity}-{number}", identity, region, _AT)
                for number in (1, 2)
            ]
            await connection.execute(
                "INSERT INTO tip_desks (organisation_id, two_people, since) VALUES ($1, $2, $3)",
                identity, two_people, TODAY,
            )  # fmt: skip
            for group in ("A", "B") if two_people else ("A",):
                key = world.keys[identity, group] = Identity.generate()
                recipient = str(key.to_public())
                await connection.execute(
                    "INSERT INTO tip_desk_keys (organisation_id, key_group, recipient, fingerprint, holder_id, "
                    "added_by, confirmed_by, since) VALUES ($1, $2, $3, $4, $5, $5, $6, $7)",
                    identity, group, recipient, fingerprint(recipient), *accounts, TODAY,
                )  # fmt: skip
    finally:
        await connection.close()
    return world
