"""`threegates relink`: every record linked anew; with --dry-run only told what would change."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.process import calm_collector
from registry.database import engine, transaction
from registry.linking import Linked, relink_all
from registry.linking.relinking import Preview, preview_relinking
from registry.linking.running import link_waiting

_OUTCOMES = {"linked": "已关联", "unlinked": "待定", "none": "无对应项目", "": "尚无", "new": "尚无"}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def relink(
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change and change nothing.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    ) -> None:
        """Link every record anew: after new weights, or a new version. What people decided stays as it is.

        Judging and indexing follow when the worker runs, or with `threegates judge`.
        """
        calm_collector()
        if dry_run:
            _tell(asyncio.run(_preview()), as_json=as_json)
            return
        changed = asyncio.run(_relink())
        typer.echo(orjson.dumps({"changed": changed}).decode() if as_json else f"已改变关联 links changed: {changed:,}")


async def _preview() -> Preview:
    try:
        with _bar() as bar:
            shown = bar.add_task("比较 comparing", total=None)
            return await preview_relinking(engine(), lambda records: bar.advance(shown, records))
    finally:
        await engine().dispose()


async def _relink() -> int:
    done: list[Linked] = []
    try:
        async with transaction() as session:
            marked = await relink_all(session)
        with _bar() as bar:
            shown = bar.add_task("关联 linking", total=marked)

            def told(batch: Linked) -> None:
                done.append(batch)
                bar.advance(shown, batch.claimed)

            await link_waiting(engine(), told)
        return sum(batch.changed for batch in done)
    finally:
        await engine().dispose()


def _bar() -> Progress:
    # On the other channel, so that what programs read stays whole.
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _tell(preview: Preview, *, as_json: bool) -> None:
    if as_json:
        typer.echo(
            orjson.dumps(
                {
                    "records": preview.records,
                    "changes": dict(preview.kinds),
                    "examples": [asdict(one) for one in preview.examples],
                }
            ).decode()
        )
        return
    typer.echo(f"记录 records: {preview.records:,}; 将改变 would change: {sum(preview.kinds.values()):,}")
    for kind, count in preview.kinds.most_common():
        typer.echo(f"  {count:>8,}  {kind}")
    for one in preview.examples:
        before, after = _OUTCOMES.get(one.before, one.before), _OUTCOMES.get(one.after, one.after)
        score = "" if one.score is None else f" {one.score:.3f}"
        typer.echo(
            f"  {one.feed}/{one.source_key}: {before} {one.projects_before} → {after} {one.projects_after} "
            f"({one.method}{score})"
        )
