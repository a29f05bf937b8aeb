"""`threegates link-bench`: the production linker on a labelled set in a scratch database, held to the truth."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from jobs.process import calm_collector
from portal.commands.judge import scratch_server
from portal.commands.link_train import reliability_lines
from registry.linking.benchmark import Measured, measure
from registry.linking.sets import LinkageSet, read_set
from registry.scratch import scratch_database


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("link-bench")
    def link_bench(
        folder: Annotated[Path, typer.Argument(help="A folder with projects.csv, records.csv and truth.csv.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    ) -> None:
        """Link a labelled set as production would, in a scratch database, and compare with its truth.

        2 when the folder is no such set.
        """
        calm_collector()
        given = read_set(folder)
        with scratch_server() as server:
            measured = asyncio.run(_measure(server, given))
        if as_json:
            typer.echo(json.dumps(asdict(measured)))
            return
        typer.echo(
            f"记录 records {measured.records:,}; 已关联 linked {measured.linked:,}; "
            f"待定 to review {measured.to_review:,}\n"
            f"准确率 precision {measured.precision:.4f}; 召回率 recall {measured.recall:.4f} "
            f"(含待定 with review {measured.recall_with_review:.4f}); F1 {measured.f1:.4f}; "
            f"误关联 false merges {measured.false_merges:.4%}\n"
            f"{measured.seconds:,.1f} s, {measured.records_per_second:,.0f}/s, {measured.peak_rss_mb:,.0f} MB; "
            f"权重 weights {measured.model}"
        )
        for line in reliability_lines(measured.reliability):
            typer.echo(line)


async def _measure(server: str, given: LinkageSet) -> Measured:
    async with scratch_database(server) as engine:
        return await measure(engine, given)
