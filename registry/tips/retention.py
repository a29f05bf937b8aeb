"""Reports end by schedule: what months' keys there are, when each is destroyed, and what goes with it."""

from datetime import date

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import ThreegatesError
from registry.reading import Row, rows
from registry.tips.outer_keys import destroy, destroy_on, kept_months, outer_identity
from registry.tips.sealing import fingerprint


async def note_months(session: AsyncSession, today: date) -> None:
    """Write down each month's key by its fingerprint, with the day on which it is to be destroyed."""
    for month in kept_months():
        try:
            mark = fingerprint(str(outer_identity(month).to_public()))
        except ThreegatesError:
            continue  # a damaged key is told where it is used
        await (await session.connection()).execute(
            text(
                "INSERT INTO tip_outer_keys (month, fingerprint, made_on, destroy_on) "
                "VALUES (:month, :mark, :today, :ends) ON CONFLICT (month) DO NOTHING"
            ),
            {"month": month, "mark": mark, "today": today, "ends": destroy_on(month)},
        )


async def end_due(session: AsyncSession, today: date) -> list[str]:
    """Destroy the keys of months that are over, then take away what was sealed to them; the months.

    First the keys: were the process killed between, what is left in the tables is unreadable already. A thread goes
    once nothing of it is left.
    """
    due = [month for month in kept_months() if destroy_on(month) <= today]
    for month in due:
        destroy(month)
    connection = await session.connection()
    await connection.execute(
        text("UPDATE tip_outer_keys SET destroyed_on = :today WHERE destroyed_on IS NULL AND NOT month = ANY(:kept)"),
        {"today": today, "kept": kept_months()},
    )
    await connection.execute(
        text(
            "DELETE FROM tip_parts AS p USING tip_outer_keys AS k "
            "WHERE k.month = p.outer_month AND k.destroyed_on IS NOT NULL"
        )
    )
    await connection.execute(
        text("DELETE FROM tip_threads AS t WHERE NOT EXISTS (SELECT FROM tip_parts AS p WHERE p.thread_id = t.id)")
    )
    return due


async def months(session: AsyncSession) -> list[Row]:
    """The months' keys by fingerprint, newest first; for everybody."""
    return await rows(
        session, "SELECT month, fingerprint, made_on, destroy_on, destroyed_on FROM tip_outer_keys ORDER BY month DESC"
    )
