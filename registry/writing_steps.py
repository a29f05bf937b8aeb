"""What every registration and correction shares: sources, identities, reasons, versions, values, marks."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import ARRAY, Boolean, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.errors import BadInput, ChangedMeanwhile, NotFound
from registry.import_items import Item
from registry.import_problems import ItemsRejected, Problem, read_items
from registry.restating import Telling

Model = TypeVar("Model", bound=Item)


def telling_of(telling: Telling) -> None:
    """Refuse a correction that says no reason or no actor."""
    if not telling.reason.strip():
        raise BadInput("A correction needs a reason.", where="reason", remedy="Say why the register was wrong.")
    if not telling.actor.strip():
        raise BadInput("A correction needs an actor.", where="actor", remedy="Say who corrects.")


def seen_version(current: Mapping[str, Any], expected: int | None) -> None:
    """Raise ChangedMeanwhile for a change made on the sight of a version that is no longer the current one."""
    if expected is not None and current["version_id"] != expected:
        raise ChangedMeanwhile(
            "Somebody else changed this meanwhile.",
            where=f"version {expected}",
            remedy="Read it again and repeat the change.",
        )


async def lock(session: AsyncSession, table: Literal["enterprises", "projects"], one: int, what: str) -> None:
    """Make others who change the same thing wait for us; raises NotFound where it is not registered."""
    connection = await session.connection()
    found = await connection.execute(text(f"SELECT id FROM {table} WHERE id = :id FOR UPDATE"), {"id": one})
    if found.scalar() is None:
        raise NotFound(f"There is no such {what}.", where=f"{what} {one}")


async def mark_projects(session: AsyncSession, ids: Sequence[int]) -> None:
    """Projects that changed are linked, judged and indexed again."""
    for purpose in dirty.PURPOSES:
        await dirty.mark(session, purpose, "project", ids)


# What names a thing, and what kind of thing it is, is no matter of correction.
_FIXED: Final = ("reference", "invented", "known_from")


def validate_change(model: type[Model], base: Mapping[str, Any], changes: Mapping[str, Any]) -> Model:
    """The item that results from changing fields of what the register holds; raises ItemsRejected with row 1."""
    fixed = [
        Problem(
            1, name, str(changes[name]), "此项不能更正。", "This cannot be corrected.", "请删除此项。", "Leave it out."
        )
        for name in _FIXED
        if name in changes
    ]
    if fixed:
        raise ItemsRejected(fixed)
    items, _, problems = read_items(model, [{**base, **changes}])
    if problems:
        raise ItemsRejected(problems)
    return items[0]


async def check_sources(session: AsyncSession, rows: Sequence[int], sources: Sequence[str | None]) -> list[Problem]:
    """A problem for every item whose source is not registered."""
    named = sorted({source for source in sources if source})
    connection = await session.connection()
    found = await connection.execute(
        text("SELECT id FROM sources WHERE id = ANY(:named)").bindparams(bindparam("named", named, ARRAY(Text)))
    )
    known = set(found.scalars())
    return [
        Problem(
            row,
            "source",
            source,
            f"没有登记来源“{source}”。",
            f"The source “{source}” is not registered.",
            "请先登记该来源，或留空。",
            "Register the source first, or leave it out.",
        )
        for row, source in zip(rows, sources, strict=True)
        if source and source not in known
    ]


async def region_warnings(session: AsyncSession, rows: Sequence[int], regions: Sequence[str | None]) -> list[Problem]:
    """A warning for every item whose region code was never in force; it is kept as given, for a person to compare."""
    wanted = sorted({region for region in regions if region})
    connection = await session.connection()
    found = await connection.execute(
        text("SELECT DISTINCT code FROM regions WHERE code = ANY(:wanted)").bindparams(
            bindparam("wanted", wanted, ARRAY(Text))
        )
    )
    known = set(found.scalars())
    return [
        Problem(
            row,
            "region",
            region,
            f"行政区划代码“{region}”不在区划表中，已照录。",
            f"The region code “{region}” was never in force; it is kept as given.",
            "请与原件核对。",
            "Compare it with the original.",
        )
        for row, region in zip(rows, regions, strict=True)
        if region and region not in known
    ]


async def give_identities(
    session: AsyncSession,
    table: Literal["enterprises", "projects"],
    invented: Mapping[str, bool],
    telling: Telling,
) -> tuple[dict[str, int], set[str]]:
    """Numbers of references, new ones given where needed; returns (numbers, references that existed)."""
    if not invented:
        return {}, set()
    connection = await session.connection()
    references = list(invented)
    binds = (bindparam("references", references, ARRAY(Text)),)
    query = text(f"SELECT reference, id FROM {table} WHERE reference = ANY(:references)").bindparams(*binds)
    existed: dict[str, int] = {row[0]: row[1] for row in await connection.execute(query)}
    # Two who register the same reference at once: the second waits for the first, then finds its number.
    await connection.execute(
        text(
            f"INSERT INTO {table} (reference, invented, created_at) "
            "SELECT said.*, :at FROM unnest(:references, :invented) AS said ON CONFLICT (reference) DO NOTHING"
        ).bindparams(*binds, bindparam("invented", list(invented.values()), ARRAY(Boolean)), at=telling.at)
    )
    ids: dict[str, int] = {row[0]: row[1] for row in await connection.execute(query)}
    # Whoever changes these waits for us, so that two imports never restate one thing at once.
    await connection.execute(
        text(f"SELECT id FROM {table} WHERE reference = ANY(:references) ORDER BY id FOR UPDATE").bindparams(*binds)
    )
    return ids, set(existed)
