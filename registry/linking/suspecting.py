"""Suspected projects: records that show a project nobody registered, gathered across gates into one file each.

Same number, or the same company by name in the same province, and nothing said of the works that contradicts.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from rapidfuzz.distance import Indel, LCSseq
from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import json_text
from registry.linking.name_parts import bare_title, company_in, company_parts, project_parts, sounds
from registry.linking.places import region_in, region_number
from registry.linking.thresholds import SAME_COMPANY, SAME_WORKS
from registry.suspect_summaries import summarise_suspects

# A record leaves when it is linked, when a person decided about it, or when it shows no sector any more.
_LEAVING: Final = """
UPDATE suspected_members AS m SET known_to = greatest(:at, m.known_from)
WHERE m.known_to = 'infinity' AND m.decided_by = 'linker' AND m.record_id IN (SELECT record_id FROM decisions)
  AND NOT EXISTS (SELECT FROM links AS l WHERE l.record_id = m.record_id AND l.known_to = 'infinity'
                  AND l.outcome = 'none' AND l.shown_sector IS NOT NULL)
RETURNING m.suspected_id
"""
# What a record says may be another thing now, also who may know of it: the versions are summed up anew.
_STAYING: Final = """
SELECT DISTINCT suspected_id FROM suspected_members
WHERE known_to = 'infinity' AND record_id IN (SELECT record_id FROM decisions)
"""
_SHOWING: Final = """
SELECT l.record_id, l.shown_sector, coalesce(r.party_name_normal, ''), coalesce(r.party_uscc, ''),
       coalesce(r.project_name_normal, ''), coalesce(r.region, ''), NULL
FROM links AS l
JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
WHERE l.known_to = 'infinity' AND l.outcome = 'none' AND l.shown_sector IS NOT NULL AND l.decided_by = 'linker'
  AND l.record_id IN (SELECT record_id FROM decisions)
  AND NOT EXISTS (SELECT FROM suspected_members AS m WHERE m.record_id = l.record_id AND m.known_to = 'infinity')
ORDER BY l.record_id
"""
_STANDING: Final = """
SELECT m.record_id, v.sector, coalesce(r.party_name_normal, ''), coalesce(r.party_uscc, ''),
       coalesce(r.project_name_normal, ''), coalesce(r.region, ''), m.suspected_id
FROM suspected_versions AS v
JOIN suspected_members AS m ON m.suspected_id = v.suspected_id AND m.known_to = 'infinity'
JOIN records AS r ON r.record_id = m.record_id AND r.known_to = 'infinity'
WHERE v.known_to = 'infinity' AND v.state = 'open' AND v.sector = ANY (:sectors)
ORDER BY m.suspected_id, m.record_id
"""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What one record shows of an unknown project."""

    record_id: int
    sector: str
    party: str
    uscc: str
    title: str
    province: int
    suspected_id: int | None

    @property
    def company(self) -> str:
        return self.party or company_in(self.title)

    def traces(self) -> list[tuple[str, str, str]]:
        """Under what others of the same project are looked for."""
        made = [(self.sector, "uscc", self.uscc)] if self.uscc else []
        if self.company:
            core = company_parts(self.company).core.translate(sounds())
            made.append((self.sector, "core", core))
        elif self.title:
            made.append((self.sector, "title", project_parts(self.title).words))
        return made


@dataclass
class _Suspect:
    """A suspected project with its records; `id` is None until it is stored."""

    id: int | None
    sector: str
    shown: list[_Shown] = field(default_factory=list)


async def gather_suspects(session: AsyncSession, at: datetime) -> None:
    """Bring suspected projects in line with the batch's links; what people put together stays together."""
    connection = await session.connection()
    touched = set((await connection.execute(text(_LEAVING), {"at": at})).scalars())
    touched |= set((await connection.exec_driver_sql(_STAYING)).scalars())
    new = [_shown(row) for row in await connection.exec_driver_sql(_SHOWING)]
    if new:
        sectors = sorted({one.sector for one in new})
        standing = await connection.execute(
            text(_STANDING).bindparams(bindparam("sectors", sectors, ARRAY(Text))),
        )
        touched |= await _place(session, new, [_shown(row) for row in standing], at)
    await summarise_suspects(session, touched, at)


def _shown(row: Any) -> _Shown:
    record_id, sector, party, uscc, title, region, suspected_id = row
    place = region_number(region) or region_number(region_in(party)) or region_number(region_in(title))
    return _Shown(record_id, sector, party, uscc, title, place // 10000, suspected_id)


async def _place(session: AsyncSession, new: list[_Shown], standing: list[_Shown], at: datetime) -> set[int]:
    """Store each new record with the suspected project it belongs to; returns the projects that have grown."""
    by_key: dict[tuple[str, str, str], list[_Suspect]] = defaultdict(list)
    suspects: dict[int, _Suspect] = {}
    for one in standing:
        suspect = suspects.setdefault(one.suspected_id or 0, _Suspect(one.suspected_id, one.sector))
        _join(by_key, suspect, one)
    members: list[tuple[_Suspect, _Shown, dict[str, str]]] = []
    made: list[_Suspect] = []
    for one in new:
        found, why = _suspect_of(by_key, one)
        suspect = found or _Suspect(None, one.sector)
        if found is None:
            made.append(suspect)
        _join(by_key, suspect, one)
        members.append((suspect, one, why))
    await _store(session, made, members, at)
    return {suspect.id for suspect, _, _ in members if suspect.id is not None}


def _join(by_key: dict[tuple[str, str, str], list[_Suspect]], suspect: _Suspect, one: _Shown) -> None:
    suspect.shown.append(one)
    for key in one.traces():
        if suspect not in by_key[key][-1:]:
            by_key[key].append(suspect)


def _suspect_of(
    by_key: dict[tuple[str, str, str], list[_Suspect]], one: _Shown
) -> tuple[_Suspect | None, dict[str, str]]:
    """The standing suspected project that a record shows, the one whose works are most alike, and why."""
    best, alike, why = None, -1.0, dict[str, str]()
    for key in one.traces():
        for suspect in by_key.get(key, ()):
            if not all(_near(one, other) for other in suspect.shown[:3]):
                continue
            works = max(_works(one, other) for other in suspect.shown[:20])
            if works >= SAME_WORKS and works > alike and any(_company(one, other) for other in suspect.shown[:20]):
                best, alike = suspect, works
                why = {"party_uscc": one.uscc} if key[1] == "uscc" else {"party_name": one.company}
                why |= {"project_name": one.title} if one.title else {}
    return best, why


def _near(one: _Shown, other: _Shown) -> bool:
    return not one.province or not other.province or one.province == other.province


def _company(one: _Shown, other: _Shown) -> bool:
    if one.uscc and other.uscc:
        return one.uscc == other.uscc
    if not one.company or not other.company:
        return one.company == other.company
    first, second = company_parts(one.company), company_parts(other.company)
    if first.core != second.core:
        return Indel.normalized_similarity(first.stem, second.stem) >= SAME_COMPANY
    # One name may be the other shortened.
    shared = LCSseq.similarity(first.stem, second.stem)
    return shared >= min(len(first.stem), len(second.stem)) - 1


def _works(one: _Shown, other: _Shown) -> float:
    """How alike the works are; what says nothing of them contradicts nothing."""
    if not one.title or not other.title:
        return SAME_WORKS
    first, second = project_parts(one.title), project_parts(other.title)
    for mine, theirs in ((first.phases, second.phases), (first.numbers, second.numbers)):
        if any(mine) and any(theirs) and mine != theirs:
            return 0.0
    words = Indel.normalized_similarity(first.words, second.words)
    return max(words, Indel.normalized_similarity(bare_title(one.title), bare_title(other.title)))


async def _store(
    session: AsyncSession, made: list[_Suspect], members: list[tuple[_Suspect, _Shown, dict[str, str]]], at: datetime
) -> None:
    connection = await session.connection()
    if made:
        ids = await connection.execute(
            text(
                "INSERT INTO suspected_projects (created_at) SELECT CAST(:at AS timestamptz) "
                "FROM generate_series(1, :count) RETURNING id"
            ),
            {"at": at, "count": len(made)},
        )
        for suspect, id_ in zip(made, sorted(ids.scalars()), strict=True):
            suspect.id = id_
        await connection.execute(
            text(
                "INSERT INTO suspected_versions (suspected_id, sector, known_from) "
                "SELECT id, sector, :at FROM unnest(:ids, :sectors) AS one (id, sector)"
            ).bindparams(
                bindparam("ids", [one.id for one in made], ARRAY(BigInteger)),
                bindparam("sectors", [one.sector for one in made], ARRAY(Text)),
            ),
            {"at": at},
        )
    await connection.execute(
        text(
            "INSERT INTO suspected_members (suspected_id, record_id, evidence, known_from) "
            "SELECT suspected, record, CAST(evidence AS jsonb), :at "
            "FROM unnest(:suspected, :records, :evidence) AS one (suspected, record, evidence)"
        ).bindparams(
            bindparam("suspected", [one.id for one, _, _ in members], ARRAY(BigInteger)),
            bindparam("records", [one.record_id for _, one, _ in members], ARRAY(BigInteger)),
            bindparam("evidence", [json_text(why) for _, _, why in members], ARRAY(Text)),
        ),
        {"at": at},
    )
