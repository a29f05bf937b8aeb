"""One record under review: what it says, beside every candidate, why the score, and what people said before."""

from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import LANE_OF_ACT
from registry.clock import civil_day
from registry.errors import NotFound
from registry.name_differences import NamePair, Piece, compare_names
from registry.names import DISGUISES, normalise
from registry.reading import LARGEST_NUMBER, Row, first, region_names, rows
from registry.record_fields import RECORD_FIELDS
from registry.review_queue import may_review
from registry.review_stakes import stake_of
from registry.reviewing import present_word, seen_version
from registry.row_policies import within
from registry.viewers import Viewer

SUSPECTS_SHOWN: Final = 5
# What is compared line by line, in the order in which a person looks.
_NAMED: Final = ("project_name", "party_name", "address")


class Feature(BaseModel):
    """What speaks for a pair (weight above 0, in log odds) or against it."""

    feature: str
    value: Any = None
    weight: float


class ComparedLine(BaseModel):
    """One line of the record beside the candidate's: whether they agree; None where one says nothing."""

    name: str
    record: str
    project: str
    agrees: bool | None
    pair: NamePair | None = None


class CandidateFile(BaseModel):
    """One project that the record may belong to."""

    project_id: int
    reference: str
    invented: bool
    name: str
    owner_id: int | None
    owner_name: str
    former_names: list[str]
    sector: str
    stage: str
    score: float | None
    model: str
    explanation: list[Feature]
    lines: list[ComparedLine]
    rejected: bool  # a person said that the record does not belong to it


class DecisionLine(BaseModel):
    """One decision in the history of a record."""

    id: int
    verdict: str
    project_ids: list[int]
    projects: list[str]
    suspected_id: int | None
    reason: str
    actor: str
    decided_at: datetime
    in_force: bool
    seconds: int | None
    undoes: int | None
    undone: bool
    stake: dict[str, Any]


class SuspectLine(BaseModel):
    """A suspected project that the record may be part of."""

    suspected_id: int
    project_name: str
    party_name: str
    region: str | None
    sector: str
    records: int
    lanes: int
    is_in: bool


class ReviewFile(BaseModel):
    """Everything on the page of one review."""

    record_id: int
    act: str
    version: str  # give it back with a decision: If-Match
    lane: str
    feed_zh: str
    feed_en: str
    synthetic: bool
    region_name: str | None
    fields: dict[str, Any]
    signals: dict[str, list[str]]  # of the record's own names: what the normaliser had to undo
    disguised: bool
    seen_as: dict[str, list[Piece]]
    waiting: bool
    cause: str
    outcome: str
    method: str
    sector: str | None
    linked: list[int]
    candidates: list[CandidateFile]
    suspects: list[SuspectLine]
    stake: dict[str, Any]
    word: DecisionLine | None
    mine: bool  # the present word is the viewer's own, or of somebody the viewer acts for
    may_decide: bool
    changed_since: bool
    history: list[DecisionLine]


async def review_file(session: AsyncSession, viewer: Viewer, record_id: int, now: datetime) -> ReviewFile:
    """The review of a record, whether it waits or is decided; raises NotFound where the viewer does not see it."""
    may_review(viewer)
    if record_id > LARGEST_NUMBER:
        raise NotFound("There is no such record.", where="record")
    record = await first(
        session,
        f"SELECT r.*, f.name_zh AS feed_zh, f.name_en AS feed_en, {within('r.region')} AS in_my_region "
        "FROM records AS r JOIN feeds AS f ON f.id = r.feed "
        "WHERE r.record_id = :id AND r.known_to = 'infinity'",
        id=record_id,
    )
    if record is None:
        raise NotFound("There is no such record.", where="record")
    word = await present_word(session, record_id)
    item = await first(
        session, "SELECT cause FROM review_items WHERE record_id = :id AND known_to = 'infinity'", id=record_id
    )
    links = await rows(
        session,
        "SELECT project_id, outcome, method, shown_sector FROM links WHERE record_id = :id AND known_to = 'infinity' "
        "ORDER BY version_id",
        id=record_id,
    )
    linked = [row["project_id"] for row in links if row["project_id"] is not None]
    history = await _history(session, record_id)
    candidates = await _candidates(session, record, linked, civil_day(now))
    names = await region_names(session, [record["region"]])
    hands = {viewer.account_id, *viewer.acts_for} - {None}
    signals = {name: sorted(normalise(record[name]).signals) for name in _NAMED if record[name]}
    return ReviewFile(
        record_id=record_id,
        act=record["act"],
        version=seen_version(record, word),
        lane=LANE_OF_ACT.get(record["act"], "approval"),
        feed_zh=record["feed_zh"] or record["feed"],
        feed_en=record["feed_en"] or record["feed"],
        synthetic=record["synthetic"],
        region_name=names.get(record["region"] or ""),
        fields={name: record[name] for name in RECORD_FIELDS if record[name] not in (None, "", [], {}, False)},
        signals={name: found for name, found in signals.items() if found},
        disguised=any(set(found) & DISGUISES for found in signals.values()),
        seen_as={name: compare_names(record[name], record[name]).one for name in _NAMED if record[name]},
        waiting=item is not None,
        cause=item["cause"] if item else "",
        outcome=links[0]["outcome"] if links else "unlinked",
        method=links[0]["method"] if links else "",
        sector=next((row["shown_sector"] for row in links if row["shown_sector"]), None),
        linked=linked,
        candidates=candidates,
        suspects=await _suspects(session, record),
        stake=stake_of(record, civil_day(now)),
        word=next((one for one in history if word is not None and one.id == word["id"]), None),
        mine=word is not None and bool(hands & {word["account_id"], *word["acts_for"]}),
        may_decide=viewer.may("decide") and viewer.account_id is not None and record["in_my_region"],
        changed_since=word is not None and word["record_version_id"] not in (None, record["version_id"]),
        history=history,
    )


async def _history(session: AsyncSession, record_id: int) -> list[DecisionLine]:
    found = await rows(
        session,
        """
        SELECT d.*, EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = d.id) AS undone,
               ARRAY(SELECT (SELECT v.name FROM project_versions AS v WHERE v.project_id = one.id
                             ORDER BY v.known_to DESC, v.held_from DESC NULLS LAST LIMIT 1)
                     FROM unnest(d.project_ids) AS one (id)) AS projects
        FROM link_decisions AS d WHERE d.record_id = :id ORDER BY d.id DESC
        """,
        id=record_id,
    )
    return [DecisionLine(**row) for row in found]


async def _candidates(session: AsyncSession, record: Row, linked: list[int], day: date) -> list[CandidateFile]:
    """The linker's candidates, the best first; what the record is linked to is among them even without a score."""
    found = await rows(
        session,
        """
        SELECT p.id AS project_id, p.reference, p.invented, v.name, v.code, v.owner_id, v.sector, v.stage, v.region,
               v.address, o.name AS owner_name, o.uscc AS owner_uscc, c.score, coalesce(c.model, '') AS model,
               coalesce(c.explanation, '[]') AS explanation,
               ARRAY(SELECT n.name FROM enterprise_names AS n WHERE n.enterprise_id = v.owner_id
                     AND n.known_to = 'infinity' AND n.name <> o.name GROUP BY n.name ORDER BY n.name) AS former_names,
               ARRAY(SELECT k.code FROM project_codes AS k WHERE k.project_id = p.id AND k.known_to = 'infinity')
                   AS codes,
               (SELECT jsonb_agg(jsonb_build_object('product', l.product, 'amount', l.amount, 'unit', l.unit))
                FROM capacity_lines AS l WHERE l.project_id = p.id AND l.known_to = 'infinity') AS capacities,
               EXISTS (SELECT FROM link_decisions AS d WHERE d.record_id = :record AND d.verdict = 'reject'
                       AND d.in_force AND p.id = ANY(d.project_ids)
                       AND NOT EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = d.id)) AS rejected
        FROM projects AS p
        LEFT JOIN link_candidates AS c ON c.project_id = p.id AND c.record_id = :record AND c.known_to = 'infinity'
        CROSS JOIN LATERAL (
            SELECT * FROM project_versions AS v WHERE v.project_id = p.id AND v.known_to = 'infinity'
            ORDER BY v.held_from DESC NULLS LAST LIMIT 1
        ) AS v
        LEFT JOIN LATERAL (
            SELECT e.name, e.uscc FROM enterprise_versions AS e WHERE e.enterprise_id = v.owner_id
            AND e.known_to = 'infinity' ORDER BY e.held_from DESC NULLS LAST LIMIT 1
        ) AS o ON TRUE
        WHERE c.record_id IS NOT NULL OR p.id = ANY(CAST(:linked AS bigint[]))
        ORDER BY c.score DESC NULLS LAST, p.id
        """,
        record=record["record_id"],
        linked=linked,
    )
    regions = await region_names(session, [record["region"], *(row["region"] for row in found)])
    return [_candidate(row, record, regions) for row in found]


def _candidate(row: Row, record: Row, regions: dict[str, str]) -> CandidateFile:
    return CandidateFile(
        **{name: row[name] for name in CandidateFile.model_fields if name in row and name != "owner_name"},
        owner_name=row["owner_name"] or "",
        lines=_lines(row, record, regions),
    )


def _lines(row: Row, record: Row, regions: dict[str, str]) -> list[ComparedLine]:
    """What both say, line by line."""
    lines = [_named("project_name", record["project_name"], row["name"])]
    lines.append(_best_owner(record["party_name"], row))
    codes = {row["code"], *row["codes"]} - {None}
    lines.append(_plain("project_code", record["project_code"], row["code"] or "", codes))
    lines.append(_plain("party_uscc", record["party_uscc"], row["owner_uscc"] or "", {row["owner_uscc"]}))
    lines.append(_region(record["region"], row["region"], regions))
    lines.append(_named("address", record["address"], row["address"]))
    return [one for one in lines if one.record or one.project]


def _named(name: str, said: str | None, held: str | None) -> ComparedLine:
    said, held = said or "", held or ""
    pair = compare_names(said, held) if said and held else None
    return ComparedLine(name=name, record=said, project=held, agrees=pair.equal if pair else None, pair=pair)


def _best_owner(said: str | None, row: Row) -> ComparedLine:
    """The owner's present name, or the former one that the record uses."""
    held = row["owner_name"] or ""
    if said:
        wanted = normalise(said).text
        held = next((name for name in row["former_names"] if normalise(name).text == wanted), held)
    return _named("party_name", said, held)


def _plain(name: str, said: str | None, held: str, equal: set[str]) -> ComparedLine:
    agrees = said in equal if said and equal - {None} else None
    pair = compare_names(said, held) if said and held and not agrees else None
    return ComparedLine(name=name, record=said or "", project=held, agrees=agrees, pair=pair)


def _region(said: str | None, held: str | None, regions: dict[str, str]) -> ComparedLine:
    agrees = None
    if said and held:
        known = min(len(said.rstrip("0")), len(held.rstrip("0")))
        # One may know the city only: two codes agree as far as both go, by pairs of digits.
        known += known % 2
        agrees = said[:known] == held[:known]
    return ComparedLine(
        name="region",
        record=regions.get(said or "", said or ""),
        project=regions.get(held or "", held or ""),
        agrees=agrees,
    )


async def _suspects(session: AsyncSession, record: Row) -> list[SuspectLine]:
    """Open suspected projects: the one the record is in, and those of the same party or of one place and sector."""
    found = await rows(
        session,
        """
        SELECT v.suspected_id, v.project_name, v.party_name, v.region, v.sector, v.records, v.lanes,
               m.record_id IS NOT NULL AS is_in
        FROM suspected_versions AS v
        LEFT JOIN suspected_members AS m ON m.suspected_id = v.suspected_id AND m.record_id = :record
            AND m.known_to = 'infinity'
        WHERE v.known_to = 'infinity' AND v.state IN ('open', 'empty') AND (
            m.record_id IS NOT NULL
            OR v.party_name_normal <> '' AND v.party_name_normal = CAST(:party AS text)
            OR v.party_uscc = CAST(:uscc AS text)
            OR left(v.region, 4) = left(CAST(:region AS text), 4) AND v.records > 0 AND v.sector = (
                SELECT l.shown_sector FROM links AS l WHERE l.record_id = :record AND l.known_to = 'infinity'
                AND l.shown_sector IS NOT NULL LIMIT 1)
        )
        ORDER BY is_in DESC, v.party_name_normal = CAST(:party AS text) DESC, v.records DESC, v.suspected_id
        LIMIT :shown
        """,
        record=record["record_id"],
        party=record["party_name_normal"],
        uscc=record["party_uscc"],
        region=record["region"],
        shown=SUSPECTS_SHOWN,
    )
    return [SuspectLine(**row) for row in found]
