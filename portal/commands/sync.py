"""`threegates sync`: read the agencies now, in this process, then link, judge and index what came."""

import asyncio
import csv
import getpass
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import text

from connectors.agency import Agency
from connectors.feed_words import feed_words
from connectors.page import Page
from jobs import runs
from jobs.holds import held_text
from jobs.logs import hush
from jobs.pipeline import Settled, Work, settle_all
from jobs.process import calm_collector
from jobs.scheduler import all_agencies
from jobs.sync import Outcome, Sync, sync_now
from portal.commands.status import held_lines
from registry.database import engine, transaction
from registry.errors import BadInput, ThreegatesError
from registry.linking.scoring import Score, Truth, read_truth, score_links
from registry.settings import settings
from registry.storing import PageCounts
from search.client import servers

# Feeds are read side by side: a slow agency delays no other.
FEEDS_AT_ONCE = 4
# How the command ends where nothing failed and a feed is held; `threegates up` starts all the same.
AWAITS_A_PERSON = 3


@dataclass(slots=True)
class Report:
    """What the command did, for --json and for the tables."""

    feeds: list[Outcome]
    settled: Settled
    links: dict[str, Score] = field(default_factory=dict)
    scored: bool = False
    findings: dict[str, int] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether every feed was read to its end within its bounds."""
        return all(feed.state == "done" for feed in self.feeds)

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 a feed could not be read, 3 all were read and a person has to look at one of them."""
        if self.well:
            return 0
        return AWAITS_A_PERSON if all(feed.state in ("done", "held") for feed in self.feeds) else 1


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def sync(
        agency: Annotated[str | None, typer.Argument(help="The agency's id; without one, all agencies.")] = None,
        every: Annotated[bool, typer.Option("--all", help="All agencies.")] = False,
        full: Annotated[bool, typer.Option("--full", help="Read the whole feed, not only what is new.")] = False,
        release: Annotated[int | None, typer.Option(help="Accept what a held run brought (needs --reason).")] = None,
        reason: Annotated[str, typer.Option(help="Why a held run is accepted; it is kept with the run.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    ) -> None:
        """Read agencies now, then link, judge and index.

        Exit 1 when a feed could not be read to its end; 3 when all were read and one of them is held for a person.
        """
        hush()
        calm_collector()
        if agency is not None and every:
            raise BadInput("Give an agency or --all, not both.", remedy="threegates sync --help")
        if release is not None and not reason.strip():
            raise BadInput("Accepting a held run asks for a reason.", remedy="Add --reason TEXT.")
        chosen = _chosen(agency)
        report = asyncio.run(_run(chosen, full=full, release=release, reason=reason.strip(), quiet=as_json))
        if as_json:
            typer.echo(orjson.dumps({**asdict(report), "well": report.well}, option=orjson.OPT_INDENT_2).decode())
        else:
            show(report, Console())
        raise typer.Exit(report.exit_code)


def _chosen(agency: str | None) -> list[Agency]:
    known = all_agencies()
    if agency is None:
        return list(known.values())
    if agency not in known:
        raise BadInput(f"No agency is called {agency}.", remedy=f"Known: {', '.join(known)}.")
    return [known[agency]]


async def _run(chosen: list[Agency], *, full: bool, release: int | None, reason: str, quiet: bool) -> Report:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            disable=quiet,
            console=Console(stderr=True),
        ) as progress:
            feeds: list[Outcome] = []
            if release is not None:
                async with transaction() as session:
                    await runs.release_run(session, release, actor=getpass.getuser(), reason=reason)
            else:
                feeds = await _read(chosen, stopping, progress, full=full)
            shown: dict[str, TaskID] = {}

            def told(step: str, count: int) -> None:
                names = {
                    "link": "关联 · link",
                    "judge": "判断 · judge",
                    "alert": "警报 · alert",
                    "index": "索引 · index",
                }
                if step not in shown:
                    shown[step] = progress.add_task(names[step], total=None, note="")
                progress.advance(shown[step], count)

            settled = await settle_all(Work(engine(), stopping, servers, told=told))
        report = Report(feeds, settled)
        await _account(report)
        return report
    finally:
        await engine().dispose()


async def _read(chosen: list[Agency], stopping: asyncio.Event, progress: Progress, *, full: bool) -> list[Outcome]:
    tasks = {agency.id: progress.add_task(agency.names.zh, total=None, note="") for agency in chosen}
    read = dict.fromkeys(tasks, 0)

    def stored(feed: str, page: Page, counts: PageCounts) -> None:
        read[feed] += counts.received
        total = page.claimed_total if page.claimed_total is not None else (read[feed] if page.last else None)
        progress.update(tasks[feed], completed=read[feed], total=total, note=page.label)

    side_by_side = asyncio.Semaphore(FEEDS_AT_ONCE)
    with_all = Sync(engine(), stopping, progress=stored)

    async def one(agency: Agency) -> Outcome:
        async with side_by_side:
            try:
                return await sync_now(with_all, agency, full=full)
            except ThreegatesError as error:
                # A feed whose settings are missing keeps no other from being read.
                return Outcome(agency.id, "failed", error=str(error))

    return list(await asyncio.gather(*map(one, chosen)))


async def _account(report: Report) -> None:
    """Add what the links and findings amount to now."""
    truth = await _truth()
    report.scored = truth is not None
    async with transaction() as session:
        report.links = await score_links(session, truth)
        found = await (await session.connection()).execute(
            text(
                "SELECT rule, count(*) FROM findings WHERE known_to = 'infinity' AND state = 'open' "
                "GROUP BY rule ORDER BY rule"
            )
        )
        report.findings = {row[0]: row[1] for row in found}


async def _truth() -> Truth | None:
    """The demo's truth, where the register holds the demo."""
    file = settings().data_folder / "demo" / "truth.csv"
    async with transaction() as session:
        is_demo = await (await session.connection()).scalar(text("SELECT 1 FROM register_facts WHERE name = 'demo'"))
    if not is_demo or not file.is_file():
        return None
    with file.open(encoding="utf-8", newline="") as rows:
        return read_truth(csv.DictReader(rows))


def show(report: Report, console: Console) -> None:
    """The tables for people."""
    if report.feeds:
        console.print(_fetched(report.feeds))
    for feed in report.feeds:
        for line in _said(feed):
            console.print(line, style="bold yellow", highlight=False, soft_wrap=True)
    if report.links:
        console.print(_linked(report.links, scored=report.scored))
    findings = Table(title="未了结的提示 · Open findings", title_justify="left")
    findings.add_column("规则 Rule")
    findings.add_column("件 Count", justify="right")
    for rule, count in report.findings.items():
        findings.add_row(rule, f"{count:,}")
    console.print(findings)
    if report.settled.index_waits:
        console.print(f"搜索索引稍后更新 · the search index waits: {report.settled.index_waits}", style="yellow")


def _fetched(feeds: list[Outcome]) -> Table:
    table = Table(title="同步 · Sync", title_justify="left")
    table.add_column("机构 Agency")
    table.add_column("状态 State")
    headings: Mapping[str, str] = {
        "received": "收到 Fetched",
        "added": "新增 New",
        "changed": "变更 Changed",
        "unchanged": "未变 Unchanged",
        "stale": "旧版 Stale",
        "quarantined": "隔离 Quarantined",
    }
    for heading in headings.values():
        table.add_column(heading, justify="right")
    for feed in feeds:
        table.add_row(feed.feed, feed.state, *(f"{feed.counts.get(name, 0):,}" for name in headings))
    return table


def _said(feed: Outcome) -> list[str]:
    if feed.state == "held":
        zh, en = (held_text(feed.held_reason, language) for language in ("zh", "en"))
        return held_lines(feed.feed, feed.run_id, zh, en)
    if feed.state == "busy":
        return [f"{feed.feed}: 另一进程正在同步 · another process is reading this feed"]
    if not feed.error:
        return []
    return [f"{feed.feed}: 未能读完。{feed_words(feed.error, 'zh')}", f"{feed.feed}: {feed.error}"]


def _linked(links: dict[str, Score], *, scored: bool) -> Table:
    table = Table(title="关联 · Links", title_justify="left")
    table.add_column("机构 Agency")
    headings = ["已关联 Linked", "未定 Unlinked", "无相符 None fits"]
    for heading in [*headings, *(["错误 Wrong", "漏关联 Missed"] if scored else [])]:
        table.add_column(heading, justify="right")
    for feed, score in sorted(links.items()):
        values: list[Any] = [score.linked, score.unlinked, score.none, *([score.wrong, score.missed] if scored else [])]
        table.add_row(feed, *(f"{value:,}" for value in values))
    return table
