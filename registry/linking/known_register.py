"""The register that candidates are looked up in: read from PostgreSQL once a process, then only what changed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.linking.register import Owner, Project, Register
from registry.names import normal_texts

# So much may have changed before everything is put in order anew.
_ANEW: Final = 0.2

# What the register holds now; two that differ in any row differ here.
_DATABASE: Final = "SELECT (SELECT system_identifier FROM pg_control_system())::text || current_database()::text"
_STATE: Final = f"""
{_DATABASE},
       (SELECT ARRAY[count(*), coalesce(sum(version_id), 0)::bigint, coalesce(max(version_id), 0)]
        FROM project_versions WHERE known_to = 'infinity')
       || (SELECT ARRAY[count(*), coalesce(sum(version_id), 0)::bigint, coalesce(max(version_id), 0)]
           FROM enterprise_names WHERE known_to = 'infinity')
       || (SELECT ARRAY[count(*), coalesce(sum(version_id), 0)::bigint]
           FROM enterprise_versions WHERE known_to = 'infinity')
       || (SELECT ARRAY[count(*), coalesce(sum(version_id), 0)::bigint]
           FROM enterprise_owners WHERE known_to = 'infinity')
"""

_PROJECTS: Final = """
SELECT DISTINCT ON (v.project_id) v.project_id, v.name_normal, coalesce(v.owner_id, 0), coalesce(v.region, ''),
       v.address, v.sector
FROM project_versions AS v
WHERE v.known_to = 'infinity' {only}
ORDER BY v.project_id, v.held_from DESC NULLS LAST
"""
_OWNERS: Final = """
SELECT DISTINCT ON (v.enterprise_id) v.enterprise_id, coalesce(v.uscc, ''), v.name_normal
FROM enterprise_versions AS v
WHERE v.known_to = 'infinity' {only}
ORDER BY v.enterprise_id, v.held_from DESC NULLS LAST
"""
_NAMES: Final = """
SELECT n.enterprise_id, n.name_normal FROM enterprise_names AS n
WHERE n.known_to = 'infinity' AND n.kind <> 'english' {only} ORDER BY n.version_id
"""
# Branches and head offices stand for each other; parents and owners are only near.
_RELATED: Final = """
SELECT o.enterprise_id, n.name_normal, o.kind = 'branch_of'
FROM enterprise_owners AS o JOIN enterprise_names AS n ON n.enterprise_id = o.owner_id AND n.known_to = 'infinity'
WHERE o.known_to = 'infinity' AND n.kind <> 'english' {only}
"""
_STAMPS: Final = """
SELECT 'project', project_id, sum(version_id)::bigint FROM project_versions WHERE known_to = 'infinity' GROUP BY 2
UNION ALL
SELECT 'enterprise', enterprise_id, sum(stamp)::bigint FROM (
    SELECT enterprise_id, version_id AS stamp FROM enterprise_versions WHERE known_to = 'infinity'
    UNION ALL SELECT enterprise_id, 31 * version_id FROM enterprise_names WHERE known_to = 'infinity'
    UNION ALL SELECT enterprise_id, 37 * version_id FROM enterprise_owners WHERE known_to = 'infinity'
) AS each GROUP BY 2
"""


@dataclass
class _Held:
    state: Any = None
    register: Register | None = None
    stamps: dict[tuple[str, int], int] = field(default_factory=dict)


_HELD: Final = _Held()


def forget() -> None:
    """Read everything anew next time."""
    _HELD.state, _HELD.register, _HELD.stamps = None, None, {}


# Of each event loop: whoever looks up in a thread must not find the register half renewed by another.
_TURNS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]] = WeakKeyDictionary()


def _turn() -> asyncio.Lock:
    return _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Lock())


async def renew_early(connection: AsyncConnection) -> bool:
    """Look what changed, and begin to put the register in order beside what this connection does next.

    False where somebody is at it, who may have looked before us: then it has to be looked again when it is wanted.
    """
    turn = _turn()
    if turn.locked():
        return False
    await turn.acquire()
    task = None
    try:
        renewal = await _renewal(connection)
        if renewal is not None:
            task = asyncio.create_task(_renew(renewal))
    finally:
        if task is None:
            turn.release()
    if task is not None:
        task.add_done_callback(partial(_end, turn))
    return True


def _end(turn: asyncio.Lock, done: "asyncio.Task[None]") -> None:
    turn.release()
    # Whoever wants the register next tries again where this failed, and says so.
    if not done.cancelled():
        done.exception()


@asynccontextmanager
async def known_register(connection: AsyncConnection, *, looked: bool) -> AsyncIterator[Register]:
    """The register, for one at a time, at least as new as this transaction's beginning, or where it `looked` early."""
    async with _turn():
        held = _HELD.state is not None and _HELD.state[0] == (await connection.exec_driver_sql(_DATABASE)).scalar()
        if not (looked and held):
            renewal = await _renewal(connection)
            if renewal is not None:
                await _renew(renewal)
        if _HELD.register is None:
            raise AssertionError("a renewal leaves a register")
        yield _HELD.register


async def _renew(renewal: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(renewal)
    except BaseException:
        # The thread may still be at it: nobody shall look at what it leaves.
        forget()
        raise


async def _renewal(connection: AsyncConnection) -> Callable[[], None] | None:
    """What has to be done, with all that it needs read; None where the register is as it was."""
    state = tuple((await connection.exec_driver_sql(_STATE)).one())
    register = _HELD.register
    if register is not None and _HELD.state == state:
        return None
    stamps = {(kind, id_): stamp for kind, id_, stamp in await connection.execute(text(_STAMPS))}
    changed = {one for one, stamp in stamps.items() if _HELD.stamps.get(one) != stamp}
    gone = [id_ for kind, id_ in _HELD.stamps.keys() - stamps.keys() if kind == "project"]
    if (
        register is None
        or _HELD.state[0] != state[0]
        or len(changed) + len(gone) > _ANEW * max(1, len(stamps))
        or len(register.projects) > 1.5 * len(stamps) + 1000
    ):
        projects, owners = await _projects(connection), await _owners(connection, None)
        return partial(_hold, partial(Register, projects, owners), state, stamps)
    projects, owners = await _changes(connection, register, changed)

    def put() -> Register:
        register.put(projects, owners, gone)
        return register

    return partial(_hold, put, state, stamps)


def _hold(made: Callable[[], Register], state: tuple[Any, ...], stamps: dict[tuple[str, int], int]) -> None:
    _HELD.register = made()
    _HELD.state, _HELD.stamps = state, stamps


async def _changes(
    connection: AsyncConnection, register: Register, changed: Collection[tuple[str, int]]
) -> tuple[list[Project], list[Owner]]:
    projects = [id_ for kind, id_ in changed if kind == "project"]
    enterprises = [id_ for kind, id_ in changed if kind == "enterprise"]
    told = await _projects(connection, projects) if projects else []
    named = {one.owner_id for one in told if one.owner_id} - register.owner_position.keys()
    wanted = {*enterprises, *named}
    if enterprises:
        # Who bears a parent's or head office's name has it from there.
        below = text(
            "SELECT enterprise_id FROM enterprise_owners WHERE owner_id = ANY (:ids) AND known_to = 'infinity'"
        ).bindparams(bindparam("ids", enterprises, ARRAY(BigInteger)))
        wanted |= set((await connection.execute(below)).scalars())
    owners = await _owners(connection, sorted(wanted)) if wanted else []
    # A project's own words are its name without its owner's, so a renamed owner's projects are read again.
    renamed = [one.id for one in register.projects if one.owner_id in wanted and one.id in register.position]
    known = {one.id for one in told}
    again = [one for one in renamed if one not in known]
    if again:
        told += await _projects(connection, again)
    return told, owners


async def _rows(connection: AsyncConnection, sql: str, column: str, ids: Collection[int] | None) -> list[Any]:
    if ids is None:
        return list(await connection.exec_driver_sql(sql.format(only="")))
    statement = text(sql.format(only=f"AND {column} = ANY (:ids)"))
    return list(await connection.execute(statement.bindparams(bindparam("ids", sorted(ids), ARRAY(BigInteger)))))


async def _projects(connection: AsyncConnection, ids: list[int] | None = None) -> list[Project]:
    found = await _rows(connection, _PROJECTS, "v.project_id", ids)
    addresses = normal_texts(one[4] for one in found if one[4])
    return [
        Project(id_, name, owner, region, addresses.get(address, ""), sector)
        for id_, name, owner, region, address, sector in found
    ]


async def _owners(connection: AsyncConnection, ids: list[int] | None) -> list[Owner]:
    names: dict[int, dict[str, None]] = defaultdict(dict)
    related: dict[int, dict[str, None]] = defaultdict(dict)
    found = await _rows(connection, _OWNERS, "v.enterprise_id", ids)
    for id_, _, name in found:
        names[id_][name] = None
    for id_, name in await _rows(connection, _NAMES, "n.enterprise_id", ids):
        names[id_][name] = None
    for id_, name, branch in await _rows(connection, _RELATED, "o.enterprise_id", ids):
        (names if branch else related)[id_][name] = None
    return [Owner(id_, tuple(names[id_]), uscc, tuple(related[id_])) for id_, uscc, _ in found]
