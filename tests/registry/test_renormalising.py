"""After a change of the normaliser: stored normal forms of every table are those of the new one, and history stays."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.names import normalise
from registry.renormalising import FACT, STORED, renormalise
from tests.registry.worlds import keep, record, scenario

KINDS = ("enterprise", "project", "record")


async def test_stored_normal_forms_follow_the_normaliser(engine: AsyncEngine) -> None:
    await keep(engine, scenario([record("L1", "land_grant", "2014-02-01", party_name="示例(甲)澂江钢铁有限公司")]))
    async with engine.begin() as connection:
        tables = {row[0] for row in STORED}
        for table in tables:
            await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        # As an older normaliser left them.
        for table, name, normal, _trigger in STORED:
            await connection.execute(text(f"UPDATE {table} SET {normal} = 'x' WHERE {normal} <> '' AND {name} <> ''"))
        for table in tables:
            await connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        await connection.execute(text("DELETE FROM dirty_marks"))
    async with engine.begin() as connection:
        assert await renormalise(connection) == 0
        await connection.execute(text("UPDATE register_facts SET value = '0' WHERE name = :name"), {"name": FACT})
        changed = await renormalise(connection)
        assert changed >= 4  # an enterprise with its name, a project, a record
        assert await renormalise(connection) == 0
    async with engine.begin() as connection:
        for table, name, normal, _trigger in STORED:
            found = await connection.execute(text(f"SELECT {name}, {normal} FROM {table} WHERE {normal} <> ''"))
            assert [(one, held) for one, held in found if held != normalise(one).text] == [], table
        assert await connection.scalar(text("SELECT party_name_normal FROM records")) == "示例甲澄江钢铁有限公司"
        off = await connection.scalar(text("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'"))
        assert off == 0
        found = await connection.execute(text("SELECT DISTINCT purpose, kind FROM dirty_marks"))
        assert {tuple(row) for row in found} >= {(one, kind) for one in ("link", "index") for kind in KINDS}
