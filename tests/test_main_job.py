"""The main job on the whole demo: three agencies over HTTP, linked, judged, and held against the generator's truth."""

import asyncio
import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import load_agencies
from deploy.agencies.play import Players, played
from deploy.demo.__main__ import write_demo
from jobs import pipeline
from jobs.sync import Outcome, Sync, sync_now
from portal.commands.demo import load_demo
from registry.database import make_engine, transaction
from registry.linking.scoring import read_truth, score_links
from search.client import Servers
from tests.registry.pages import rows


def no_search() -> Servers:
    """Linking and judging ask nothing of the search server."""
    raise AssertionError("the main job up to judging does not touch the index")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def flags(folder: Path, name: str = "truth_findings.csv") -> dict[tuple[str, str, str], tuple[set[str], str]]:
    """What the generator told: (feed, source key, rule) -> reasons and what linking needs to see it."""
    return {
        (row["agency"], row["source_key"], row["rule"]): (set(filter(None, row["reasons"].split("|"))), row["needs"])
        for row in read(folder / name)
    }


async def sync_all(engine: AsyncEngine) -> list[Outcome]:
    sync = Sync(engine, asyncio.Event())
    return [await sync_now(sync, agency) for agency in load_agencies().values()]


async def link_and_judge(engine: AsyncEngine) -> pipeline.Settled:
    work = pipeline.Work(engine, asyncio.Event(), no_search)
    return await pipeline.judge(work, await pipeline.link(work))


async def open_findings(engine: AsyncEngine) -> dict[tuple[str, str, str], set[str]]:
    found = await rows(
        engine,
        "SELECT r.feed, r.source_key, f.rule, f.reasons FROM findings AS f "
        "JOIN records AS r ON r.record_id = f.subject_id AND r.known_to = 'infinity' "
        "WHERE f.known_to = 'infinity' AND f.state = 'open' AND f.subject_kind = 'record'",
    )
    return {(feed, key, rule): set(reasons) for feed, key, rule, reasons in found}


def told_of_the_register(folder: Path) -> dict[tuple[str, str, str], set[str]]:
    """What the generator told of approvals, units, plans and projects."""
    return {
        (row["subject_kind"], row["subject"], row["rule"]): set(filter(None, row["reasons"].split("|")))
        for row in read(folder / "truth_register.csv")
    }


async def found_in_the_register(engine: AsyncEngine) -> dict[tuple[str, str, str], set[str]]:
    found = await rows(
        engine,
        "SELECT subject_kind, subject_reference, rule, reasons FROM findings "
        "WHERE known_to = 'infinity' AND state = 'open' AND subject_kind <> 'record'",
    )
    return {(kind, reference, rule): set(reasons) for kind, reference, rule, reasons in found}


async def accused(engine: AsyncEngine) -> list[Any]:
    """Open findings that rest on anything synthetic and name a real project, enterprise, or party of a record."""
    return await rows(
        engine,
        """
        SELECT f.fingerprint, r.party_name, n.name
        FROM findings AS f
        LEFT JOIN records AS r
            ON f.subject_kind = 'record' AND r.record_id = f.subject_id AND r.known_to = 'infinity'
        LEFT JOIN projects AS p ON p.id = f.project_id
        LEFT JOIN enterprises AS e ON e.id = f.enterprise_id
        LEFT JOIN project_versions AS v ON v.project_id = p.id AND v.known_to = 'infinity'
        LEFT JOIN enterprises AS o ON o.id = v.owner_id
        LEFT JOIN enterprise_names AS n ON n.name_normal = r.party_name_normal AND n.known_to = 'infinity'
        LEFT JOIN enterprises AS named ON named.id = n.enterprise_id
        WHERE f.known_to = 'infinity' AND f.synthetic
          AND (NOT coalesce(p.invented, TRUE) OR NOT coalesce(e.invented, TRUE) OR NOT coalesce(o.invented, TRUE)
               OR NOT coalesce(named.invented, TRUE))
        """,
    )


@pytest.fixture
async def register(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[AsyncEngine, Path, Players]]:
    """The full demo's register, and its three agencies listening."""
    write_demo(tmp_path, updates=True)
    engine = make_engine(database_url)
    with played(tmp_path) as players:
        for name, value in players.environment.items():
            monkeypatch.setenv(name, value)
        await load_demo(engine, tmp_path)
        yield engine, tmp_path, players
    await engine.dispose()


async def test_the_main_job_finds_what_the_demo_tells_and_accuses_nobody_real(
    register: tuple[AsyncEngine, Path, Players],
) -> None:
    engine, folder, players = register
    assert [outcome.state for outcome in await sync_all(engine)] == ["done"] * 3
    await link_and_judge(engine)

    (counts,) = await rows(
        engine,
        "SELECT count(*), count(*) FILTER (WHERE project_code IS NULL AND party_uscc IS NULL), bool_and(synthetic) "
        "FROM records WHERE known_to = 'infinity'",
    )
    assert counts[0] >= 20_000
    assert counts[1] >= 0.3 * counts[0]
    assert counts[2]

    async with transaction(engine) as session:
        scores = await score_links(session, read_truth(read(folder / "truth.csv")))
    assert {feed: score.wrong for feed, score in scores.items()} == {"land": 0, "environment": 0, "finance": 0}

    told, found = flags(folder), await open_findings(engine)
    assert found.keys() <= told.keys()
    assert {key: reasons for key, (reasons, _) in told.items() if key in found} == found
    assert await found_in_the_register(engine) == told_of_the_register(folder)
    assert {told[key][1] for key in told.keys() - found.keys()} <= {"fuzzy"}  # exact linking cannot see those
    assert {rule for _, _, rule in found} == {
        "land-without-approval",
        "permit-without-approval",
        "credit-without-formalities",
        "project-code-misused",
        "land-to-backward-capacity",
        "capacity-over-approval",
        "new-capacity-supported",
        "halted-project-supported",
    }
    assert await accused(engine) == []

    # Judging the nation again, and syncing again, change nothing.
    versions = "SELECT count(*), max(known_from) FROM findings"
    before = await rows(engine, versions)
    await pipeline.judge_everything(pipeline.Work(engine, asyncio.Event(), no_search))
    assert sum(outcome.counts["added"] + outcome.counts["changed"] for outcome in await sync_all(engine)) == 0
    await link_and_judge(engine)
    assert await rows(engine, versions) == before

    # What the agencies publish later moves the findings as the generator says.
    for name in ("land", "environment", "finance"):
        players.feed(name).publish_later()
    assert [outcome.state for outcome in await sync_all(engine)] == ["done"] * 3
    await link_and_judge(engine)
    later = flags(folder / "records-later")
    found_later = await open_findings(engine)
    assert found_later.keys() <= later.keys()
    assert {later[key][1] for key in later.keys() - found_later.keys()} <= {"fuzzy"}
    assert found_later.keys() - found.keys()
    gone = found.keys() - found_later.keys()
    closed = await rows(
        engine, "SELECT count(*) FROM findings WHERE known_to = 'infinity' AND state = 'closed' AND closed_reason <> ''"
    )
    assert closed == [(len(gone),)]
    assert gone
    assert await accused(engine) == []
