"""The default cascade: a deadline that passes undone opens the measures of Guofa [2010] 7, 4(3) as obligations.

`settle_obligations` brings them up to date with what the register knows: it opens what is owed, closes by evidence, and
writes nothing where nothing changed, so that it may run at any time and catches up with whatever was missed.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Date, Text, bindparam, text
from sqlalchemy.sql.elements import BindParameter
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import driver, json_text
from registry.fact_texts import Use, fact
from registry.flags import Succession, hash_of, read_succession
from registry.history import Instant
from registry.law.measures import Measure, allowed_days, measures
from registry.law.reading import Law
from registry.law_in_force import catalogue_in_force
from registry.reading import Row, rows

_NATION: Final = Use("nation")

# A duty is in default from the day after its deadline to the day before it is fulfilled (as in facts/defaulters.sql).
_OWED: Final = f"""
WITH known_eliminations AS ({fact("known_eliminations", _NATION)})
SELECT k.reference, k.enterprise_id, k.equipment_reference, k.deadline, k.ended, k.number, k.authority, k.synthetic,
       v.region
FROM known_eliminations AS k
LEFT JOIN LATERAL (
    SELECT e.region FROM enterprise_versions AS e
    WHERE e.enterprise_id = k.enterprise_id AND e.known_to = 'infinity'
    ORDER BY e.held_from DESC NULLS LAST LIMIT 1
) AS v ON true
WHERE k.enterprise_id IS NOT NULL AND k.deadline >= :since AND k.deadline < :as_of
  AND (k.ended IS NULL OR k.ended > k.deadline + 1)
ORDER BY k.reference
"""
# What the enterprises in default were given: by the link's own enterprise, else by the owner of the linked project.
_GIVEN: Final = """
SELECT l.enterprise_id, r.act, r.feed || ':' || r.source_key AS reference, r.acted_on, r.expires, r.revoked,
       r.authority, r.synthetic
FROM links AS l JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
WHERE l.known_to = 'infinity' AND l.enterprise_id = ANY(:enterprises) AND r.act = ANY(:acts) AND r.acted_on <= :as_of
UNION
SELECT v.owner_id, r.act, r.feed || ':' || r.source_key, r.acted_on, r.expires, r.revoked, r.authority, r.synthetic
FROM project_versions AS v
JOIN links AS l ON l.project_id = v.project_id AND l.known_to = 'infinity' AND l.enterprise_id IS NULL
JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
WHERE v.known_to = 'infinity' AND v.owner_id = ANY(:enterprises) AND r.act = ANY(:acts) AND r.acted_on <= :as_of
UNION
SELECT v.owner_id, 'approval', a.reference, a.issued, a.expires, a.revoked, a.authority, a.synthetic
FROM project_versions AS v
JOIN approvals AS a ON a.project_id = v.project_id AND a.known_to = 'infinity'
WHERE v.known_to = 'infinity' AND v.owner_id = ANY(:enterprises) AND a.issued <= :as_of AND a.kind <> 'filing'
  AND COALESCE(v.held_from, '-infinity') <= a.issued AND a.issued <= COALESCE(v.held_to, 'infinity')
ORDER BY acted_on, reference
"""
_ORDERS: Final = f"""
WITH known_orders AS ({fact("known_orders", _NATION)})
SELECT enterprise_id, reference, ordered, due, ended, number, authority, synthetic FROM known_orders
WHERE kind = 'close' AND enterprise_id = ANY(:enterprises) ORDER BY ordered, reference
"""
_KEPT: Final = """
SELECT reference, measure, elimination, enterprise_id, region, owner, deadline, due, state, evidence, evidence_hash,
       synthetic, first_seen
FROM obligations WHERE known_to = 'infinity'
"""
COLUMNS: Final = (
    "reference",
    "measure",
    "elimination",
    "enterprise_id",
    "region",
    "owner",
    "deadline",
    "due",
    "state",
    "evidence",
    "evidence_hash",
    "synthetic",
)


@dataclass(frozen=True, slots=True)
class Owed:
    """One measure against one default as it stands on a day."""

    reference: str
    measure: str
    elimination: str
    enterprise_id: int
    region: str | None
    owner: str
    deadline: date
    due: date
    state: str
    evidence: dict[str, Any]
    evidence_hash: str
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """How many obligations were opened, changed, and how many stand by state."""

    opened: int
    changed: int
    by_state: dict[str, int]


async def settle_obligations(session: AsyncSession, as_of: date, at: datetime) -> Settled:
    """Bring all obligations up to date with the world of a day; `at` is when we learn it."""
    by = measures()
    by_law = (await catalogue_in_force(session)).law
    owed = await _read(session, _OWED, as_of=as_of, since=by.since)
    enterprises = sorted({row["enterprise_id"] for row in owed})
    acts = sorted({act for one in by.all for act in one.acts})
    given = _by_enterprise(await _read(session, _GIVEN, enterprises=enterprises, acts=acts, as_of=as_of))
    orders = _by_enterprise(await _read(session, _ORDERS, enterprises=enterprises, as_of=as_of))
    kept = {row["reference"]: row for row in await rows(session, _KEPT)}
    succession = await read_succession(session)
    wanted = {
        one.reference: one
        for row in owed
        for measure in by.all
        if (one := _owed(row, measure, by_law, given, orders, succession, as_of)) is not None
    }
    for reference, row in kept.items():
        if reference in wanted:
            wanted[reference] = _with_decisions(wanted[reference], row)
        else:
            wanted[reference] = _gone(row)
    changed = [one for reference, one in wanted.items() if not _same(one, kept.get(reference))]
    await write(session, changed, {reference: row["first_seen"] for reference, row in kept.items()}, at)
    counts: dict[str, int] = defaultdict(int)
    for one in wanted.values():
        counts[one.state] += 1
    opened = sum(one.reference not in kept for one in changed)
    return Settled(opened, len(changed) - opened, dict(sorted(counts.items())))


def address(elimination: str, measure: str) -> str:
    """The stable address of an obligation: the elimination by its own reference, and the measure."""
    return blake2b(f"{elimination}\n{measure}".encode(), digest_size=10).hexdigest()


async def _read(session: AsyncSession, sql: str, **values: Any) -> list[Row]:
    types: dict[str, Any] = {"as_of": Date, "since": Date, "enterprises": ARRAY(BigInteger), "acts": ARRAY(Text)}
    binds: list[BindParameter[Any]] = [bindparam(name, type_=types[name]) for name in values]
    found = await (await session.connection()).execute(text(sql).bindparams(*binds), values)
    return [dict(row) for row in found.mappings()]


def _by_enterprise(found: Sequence[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in found:
        grouped[row["enterprise_id"]].append(row)
    return grouped


def _owed(
    duty: Row,
    measure: Measure,
    by_law: Law,
    given: dict[int, list[Row]],
    orders: dict[int, list[Row]],
    succession: Succession,
    as_of: date,
) -> Owed | None:
    """The measure as it stands; None where it is not owed (nobody ordered the enterprise to close)."""
    enterprise = duty["enterprise_id"]
    due = duty["deadline"] + timedelta(days=allowed_days(by_law, duty["deadline"]))
    over = duty["ended"]
    acts = [row for row in given.get(enterprise, ()) if row["act"] in measure.acts]
    evidence: dict[str, Any] = {
        "elimination": _plain(
            {name: duty[name] for name in ("reference", "equipment_reference", "deadline", "number", "authority")}
        )
    }
    synthetic = duty["synthetic"]
    done = False
    if measure.kind == "revoke":
        held = [row for row in acts if _held_since(row, duty["deadline"])]
        evidence["permits"] = [_shown(row) for row in held]
        done = bool(held) and not any(_in_force(row, as_of) for row in held)
        synthetic = synthetic or any(row["synthetic"] for row in held)
    elif measure.kind == "refuse":
        due = duty["deadline"]
        against = [row for row in acts if duty["deadline"] < row["acted_on"] < (over or date.max)]
        evidence["against"] = [_shown(row) for row in against]
        synthetic = synthetic or any(row["synthetic"] for row in against)
    elif measure.kind == "order":
        closing = orders.get(enterprise, [])
        if not closing:
            return None
        evidence["orders"] = [
            _plain({name: row[name] for name in ("reference", "ordered", "due", "ended", "number", "authority")})
            for row in closing
        ]
        due = max(
            row["due"] or row["ordered"] + timedelta(days=allowed_days(by_law, row["ordered"])) for row in closing
        )
        done = any(row["ended"] is not None for row in closing)
        synthetic = synthetic or any(row["synthetic"] for row in closing)
    if over is not None:
        evidence["cured"] = over.isoformat()
    state = "done" if done else "lapsed" if over is not None else _waiting(measure, due, evidence, as_of)
    return Owed(
        reference=address(duty["reference"], measure.id),
        measure=measure.id,
        elimination=duty["reference"],
        enterprise_id=enterprise,
        region=duty["region"],
        owner=succession.holder(measure.agency, as_of),
        deadline=duty["deadline"],
        due=due,
        state=state,
        evidence=evidence,
        evidence_hash=hash_of(evidence),
        synthetic=bool(synthetic),
    )


def _waiting(measure: Measure, due: date, evidence: dict[str, Any], as_of: date) -> str:
    """Open or late. What must be refused has no day by which it is done; a request is made where it is necessary."""
    if measure.kind in ("refuse", "request") or due >= as_of:
        return "open"
    # A permit that nobody told us of cannot be late.
    return "open" if measure.kind == "revoke" and not evidence["permits"] else "late"


def _held_since(row: Row, deadline: date) -> bool:
    """Whether a permit was in force on the day after the deadline or later."""
    ends = [day for day in (row["expires"], row["revoked"]) if day is not None]
    return not ends or min(ends) > deadline


def _in_force(row: Row, day: date) -> bool:
    return (row["expires"] is None or row["expires"] >= day) and (row["revoked"] is None or row["revoked"] > day)


def _shown(row: Row) -> dict[str, Any]:
    return _plain({name: row[name] for name in ("act", "reference", "acted_on", "expires", "revoked", "authority")})


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is not told, days as text: what is kept equals what is read back."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
        if value not in (None, "")
    }


def _with_decisions(one: Owed, row: Row) -> Owed:
    """What an official put on record stays: a measure shown to be carried out is done while the default lasts."""
    decisions = row["evidence"].get("decisions")
    if not decisions:
        return one
    evidence = one.evidence | {"decisions": decisions}
    state = one.state if one.state == "lapsed" else "done"
    return replace(one, evidence=evidence, evidence_hash=hash_of(evidence), state=state)


def _gone(row: Row) -> Owed:
    """An obligation whose elimination is no longer in default by what is known now: it lapses, and stays to be seen."""
    values = {name: row[name] for name in COLUMNS}
    if row["state"] == "lapsed":
        return Owed(**values)
    evidence = row["evidence"] | {"withdrawn": True}
    return Owed(**(values | {"state": "lapsed", "evidence": evidence, "evidence_hash": hash_of(evidence)}))


def _same(one: Owed, row: Row | None) -> bool:
    return row is not None and all(
        getattr(one, name) == row[name] for name in COLUMNS if name not in ("evidence", "reference")
    )


async def write(session: AsyncSession, changed: Sequence[Owed], first_seen: dict[str, datetime], at: datetime) -> None:
    """Close the states that were and add those that are."""
    if not changed:
        return
    connection = await session.connection()
    await connection.execute(
        text(
            "UPDATE obligations SET known_to = :at WHERE known_to = 'infinity' AND reference = ANY(:references)"
        ).bindparams(bindparam("at", type_=Instant), bindparam("references", type_=ARRAY(Text))),
        {"at": at, "references": [one.reference for one in changed]},
    )
    added = ", ".join(COLUMNS)
    given = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 3)).replace("$10,", "$10::text::jsonb,")
    await (await driver(session)).executemany(
        f"INSERT INTO obligations ({added}, first_seen, known_from) VALUES ({given})",
        [
            (
                *(json_text(one.evidence) if name == "evidence" else getattr(one, name) for name in COLUMNS),
                first_seen.get(one.reference, at),
                at,
            )
            for one in changed
        ],
    )
