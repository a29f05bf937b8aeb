"""Decisions as a labelled set: what link-bench reads back is what reviewers said."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.linking.sets import read_set
from registry.review_export import Exported, export_decisions
from tests.registry.reviews import FINANCE, FIRST, make_world, project_id, record_id
from tests.registry.test_reviewing import LARGE, LOAN, said


async def test_what_is_written_is_a_linkage_set(engine: AsyncEngine, tmp_path: Path) -> None:
    await make_world(engine, {"party_name": "=示例()"}, {}, {}, LARGE, LOAN)
    project, other = await project_id(engine), await project_id(engine, "t:P2")
    await said(engine, FIRST, "accept", project_ids=(project, other))
    await said(engine, FIRST, "new_project", 1, key="r1")
    await said(engine, FIRST, "reject", 2, key="r2")
    await said(engine, FIRST, "accept", 3, key="r3", project_ids=(project,))
    await said(engine, FINANCE, "accept", 4, key="r4", project_ids=(project,))
    async with transaction(engine) as session:
        done = await export_decisions(session, tmp_path)
    assert done == Exported(projects=2, records=2, truth=3)
    made = read_set(tmp_path)
    one, new = str(await record_id(engine)), str(await record_id(engine, "r1"))
    assert made.truth == {one: {"t:P1", "t:P2"}, new: set()}
    assert made.records[0]["party_name"] == "'=示例()"
    (tmp_path / "credit").mkdir()
    async with transaction(engine) as session:
        assert (await export_decisions(session, tmp_path / "credit", credit=True)).records == 3
