"""Desks that receive reports, whose keys they are sealed to, and which desk a report goes to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.reading import rows
from registry.tips.sealing import fingerprint
from registry.viewers import NATION

# What a report can be about; the words of organisations' lanes.
LANES: Final = ("land", "environment", "credit", "approval", "quality", "price")


@dataclass(frozen=True, slots=True)
class Office:
    """An office of the state: by its organisation, or one that has none here, by the region it serves."""

    region: str
    id: str = ""
    name_zh: str = ""
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """An office that receives reports, with the public keys (age1…) of its people."""

    office: Office
    lanes: frozenset[str]
    two_people: bool
    group_a: tuple[str, ...]
    group_b: tuple[str, ...]
    demo: bool = False

    @property
    def id(self) -> str:
        """The organisation's."""
        return self.office.id

    @property
    def can_receive(self) -> bool:
        """Whether there is somebody to seal to; for two people somebody of each group."""
        return bool(self.group_a) and (bool(self.group_b) or not self.two_people)

    def layers(self, outer: str) -> list[list[str]]:
        """What a part for this desk is sealed to, the innermost first; `outer` is the month's public key."""
        inner = [list(self.group_a), list(self.group_b)] if self.two_people else [[*self.group_a, *self.group_b]]
        return [*inner, [outer]]

    @property
    def sealed_to(self) -> str:
        """The fingerprints of the keys, as they stand with a part."""
        return ", ".join(fingerprint(recipient) for recipient in (*self.group_a, *self.group_b))


async def read_desks(session: AsyncSession) -> list[Desk]:
    """Every desk that is open, with the keys that are in use and that a second person confirmed."""
    found = await rows(
        session,
        "SELECT o.id, o.name_zh, o.name_en, o.region, o.lanes, d.two_people, "
        "array_remove(array_agg(k.recipient ORDER BY k.recipient) FILTER (WHERE k.key_group = 'A'), NULL) AS group_a, "
        "array_remove(array_agg(k.recipient ORDER BY k.recipient) FILTER (WHERE k.key_group = 'B'), NULL) AS group_b, "
        "coalesce(bool_or(k.demo), false) AS demo "
        "FROM tip_desks AS d JOIN tip_offices AS o ON o.id = d.organisation_id "
        "LEFT JOIN tip_desk_keys AS k ON k.organisation_id = d.organisation_id AND k.until IS NULL "
        "AND k.confirmed_by IS NOT NULL WHERE d.until IS NULL "
        "GROUP BY o.id, o.name_zh, o.name_en, o.region, o.lanes, d.two_people ORDER BY o.id",
    )
    return [
        Desk(
            Office(row["region"], row["id"], row["name_zh"], row["name_en"]),
            frozenset(row["lanes"]),
            row["two_people"],
            tuple(row["group_a"] or ()),
            tuple(row["group_b"] or ()),
            row["demo"],
        )
        for row in found
    ]


def above(region: str) -> list[str]:
    """The regions that contain a region, itself first and the nation last, by its digits."""
    return list(dict.fromkeys((region, f"{region[:4]}00", f"{region[:2]}0000", NATION)))


def level(region: str) -> int:
    """How high an office stands: 0 the nation, 1 a province, 2 a city, 3 a county."""
    return 0 if region == NATION else 1 if region.endswith("0000") else 2 if region.endswith("00") else 3


def choose_desk(desks: Iterable[Desk], place: str, lane: str, concerned: Office | None = None) -> Desk | None:
    """The desk for a report about a place (six digits) in a lane ("" where the reporter does not know).

    A desk of the lane comes before others, a nearer one before a farther. Where the report concerns an office, only
    desks that stand higher come into question, the next level first; of an office of the nation another one of the
    nation. None where no desk can receive it.
    """
    reach = above(concerned.region if concerned else place)
    fitting = [desk for desk in desks if desk.can_receive and desk.office.region in reach]
    if concerned is not None:
        height = level(concerned.region)
        fitting = [
            desk
            for desk in fitting
            if desk.id != concerned.id and (level(desk.office.region) < height or height == level(NATION))
        ]

    def order(desk: Desk) -> tuple[int, int, str]:
        nearness = reach.index(desk.office.region)
        foreign = int(bool(lane) and lane not in desk.lanes)
        # Who stands above an office matters more than which lane it serves.
        return (nearness, foreign, desk.id) if concerned else (foreign, nearness, desk.id)

    return min(fitting, key=order, default=None)
