"""`threegates status`: how fresh and how complete each agency's records are, and what still waits."""

from datetime import datetime
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

from jobs.scheduler import all_agencies
from jobs.status import FeedStatus, Run, Status, status
from portal.commands._operating import run
from registry import clock
from registry.clock import CIVIL_ZONE

STATES: Final = {
    "queued": "排队 · queued",
    "running": "进行中 · running",
    "done": "完成 · done",
    "held": "待人工核实 · held",
    "failed": "失败 · failed",
    "released": "已人工接受 · released",
}
WAITING: Final = {
    "link": "关联 link",
    "judge": "判断 judge",
    "alert": "通知主管机关 alert",
    "index": "索引 index",
    "held": "随暂扣的同步 with a held sync",
}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(name="status")
    def show_status(
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
    ) -> None:
        """Show each agency's last run, counts, lag, next run, and how far its records can be relied on."""
        found = run(lambda session: status(session, all_agencies().values(), clock.now()))
        if as_json:
            typer.echo(orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2).decode())
        else:
            show(found, Console())


def show(found: Status, console: Console) -> None:
    """The tables for people."""
    runs = Table(title="各机构同步 · Syncs", title_justify="left")
    for heading in ("机构 Agency", "状态 State", "最近完成 Last good", "最新记录 Newest", "下次 Next"):
        runs.add_column(heading)
    quality = Table(title="数据质量 · Data quality", title_justify="left")
    for heading in ("机构 Agency", "覆盖 Covers", "完整至 Complete to"):
        quality.add_column(heading)
    for heading in ("记录 Records", "无代码 No codes", "未定 Unlinked", "隔离 Quarantine"):
        quality.add_column(heading, justify="right")
    for feed in found.feeds:
        state = _state(feed.last_run) if feed.last_run else "从未 · never"
        runs.add_row(
            f"{feed.name_zh}\n{feed.name_en}",
            state,
            _when(feed.last_good),
            _when(feed.newest) + ("  迟 · late" if feed.late else ""),
            _when(feed.next_run),
        )
        seen = feed.quality
        covered = f"{seen.covered_from} - {seen.covered_to}" if seen.covered_from else "-"
        quality.add_row(
            feed.id,
            covered,
            str(seen.last_complete_day or "-"),
            f"{seen.records:,}",
            _share(seen.without_codes),
            _share(seen.unlinked),
            f"{seen.quarantine_open:,}",
        )
    console.print(runs)
    console.print(quality)
    for feed in found.feeds:
        for line in _warnings(feed):
            console.print(line, style="bold yellow", highlight=False, soft_wrap=True)
    waiting = {name: count for name, count in found.waiting.items() if count}
    if waiting:
        console.print("待处理 · waiting: " + ", ".join(f"{WAITING[name]} {count:,}" for name, count in waiting.items()))
    console.print(
        "没有提示不等于合法：未定或未收到的记录没有经过判断。\n"
        "No flag does not mean lawful: records that are unlinked or not received were not judged."
    )


def _warnings(feed: FeedStatus) -> list[str]:
    lines = []
    for held in feed.held:
        lines += held_lines(feed.id, held.id, held.held_zh, held.held_en)
    last = feed.last_run
    if last is not None and last.failing:
        lines.append(f"{feed.id}: 未能读完。{last.error_zh}{_next_try(last, 'zh')}")
        lines.append(f"{feed.id}: not read to its end. {last.error_en}{_next_try(last, 'en')}")
    return lines


def held_lines(feed: str, run: int | None, zh: str, en: str) -> list[str]:
    """Which feed is held, why, and what to do about it."""
    return [
        f"{feed}: 第 {run} 次同步已暂扣，待人工核实。{zh}",
        f"{feed}: run {run} is held for a person. {en}",
        f"    核实后接受 · to accept it: threegates sync {feed} --release {run} --reason …",
        f"    或请机构改正后重新读取 · or once the agency corrected it: threegates sync {feed}",
    ]


def _state(run: Run) -> str:
    return STATES["failed"] if run.failing else STATES[run.state]


def _next_try(run: Run, language: str) -> str:
    if run.state != "queued" or run.retry_at is None:
        return ""
    when = _when(run.retry_at)
    return f"下次尝试：{when}。" if language == "zh" else f" Next try: {when}."


def _when(instant: datetime | None) -> str:
    return f"{instant.astimezone(CIVIL_ZONE):%Y-%m-%d %H:%M}" if instant else "-"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
