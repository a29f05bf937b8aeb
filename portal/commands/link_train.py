"""`threegates link-train`: weights of the linker from labelled sets, and which weights the register links with."""

import asyncio
import getpass
from pathlib import Path
from typing import Annotated

import orjson
import typer

from registry.clock import now
from registry.database import engine, transaction
from registry.errors import BadInput
from registry.linking.model import Model, read_model, shipped
from registry.linking.models import adopt, use_shipped
from registry.linking.sets import labelled, read_set


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("link-train")
    def link_train(
        folders: Annotated[
            list[Path] | None,
            typer.Argument(help="Labelled sets: those of deploy/linkage, `threegates review export`, your own."),
        ] = None,
        output: Annotated[Path | None, typer.Option(help="Write the weights to this file.")] = None,
        use: Annotated[bool, typer.Option("--use", help="Let the register link with them from now on.")] = False,
        back: Annotated[bool, typer.Option("--shipped", help="Link with the shipped weights again.")] = False,
        seed: Annotated[int, typer.Option(help="The same seed and sets give the same weights.")] = 20131006,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    ) -> None:
        """Train the linker's weights; codes and numbers only label the records and are not looked at.

        Links stay as they are until `threegates relink` is run. 2 when a folder is no labelled set.
        """
        if back:
            asyncio.run(_use_shipped())
            typer.echo(f"随软件提供的权重 shipped weights: {shipped().version}")
            return
        if not folders:
            raise BadInput("No labelled set was named.", remedy="Name one folder or several; see docs/linking.md.")
        weights = _train(folders, seed)
        model = read_model(weights)
        if output is not None:
            output.write_text(weights, encoding="utf-8")
        if use:
            asyncio.run(_adopt(weights))
        _tell(model, as_json=as_json)


def _train(folders: list[Path], seed: int) -> str:
    from registry.linking.training import train  # scikit-learn is there for training alone

    return train([labelled(read_set(folder)) for folder in folders], seed=seed)


async def _adopt(weights: str) -> None:
    async with transaction() as session:
        await adopt(await session.connection(), weights, getpass.getuser(), now())
    await engine().dispose()


async def _use_shipped() -> None:
    async with transaction() as session:
        await use_shipped(await session.connection(), now())
    await engine().dispose()


def _tell(model: Model, *, as_json: bool) -> None:
    told = {"version": model.version, "automatic": model.automatic, "review": model.review, **model.trained}
    if as_json:
        typer.echo(orjson.dumps(told).decode())
        return
    typer.echo(
        f"权重 weights {model.version}: {model.trained['records']:,} 条记录 records, "
        f"{model.trained['pairs']:,} 对 pairs; "
        f"自动关联 automatic from {model.automatic:.3f}, 人工核查 review from {model.review:.3f}"
    )
    for line in reliability_lines(model.trained["reliability"]):
        typer.echo(line)


def reliability_lines(table: list[dict[str, float]]) -> list[str]:
    """What was said beside what came true, on records that the weights had not seen."""
    lines = ["分数 score        对数 pairs  所称 said  实际 true"]
    return lines + [
        f"{row['from']:.2f} – {row['to']:.2f}  {int(row['pairs']):>10,}  {row['said']:>9.3f}  {row['true']:>9.3f}"
        for row in table
    ]
