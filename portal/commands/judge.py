"""`threegates judge`: judge the register by today's law, or scenario files in a scratch database."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deploy.account import server_account
from deploy.ports import choose_port
from deploy.postgresql import FORGETFUL, PostgreSQL
from deploy.programs import install
from portal.commands._replaying import replay_register
from registry.clock import civil_day, now
from registry.database import transaction
from registry.errors import BadInput
from registry.judging import Judged, judge_nation
from registry.rules.reading import rules
from registry.scenario_worlds import Outcome, run_scenario
from registry.scenarios import Scenario, read_scenarios
from registry.scratch import scratch_database
from registry.settings import settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def judge(
        files: Annotated[
            list[Path] | None, typer.Argument(help="Scenario files (YAML); without any, the register itself is judged.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
        known_at: Annotated[
            datetime | None,
            typer.Option("--known-at", formats=["%Y-%m-%d"], help="Leave out what was received after this day."),
        ] = None,
        as_of: Annotated[
            datetime | None,
            typer.Option("--as-of", formats=["%Y-%m-%d"], help="Judge the register as the world was on this day."),
        ] = None,
        store: Annotated[
            Path | None, typer.Option("--store", help="Also write the replay to this file (JSON); it must be new.")
        ] = None,
    ) -> None:
        """Judge the whole register by what it knows now; or run scenario files and compare what comes out.

        With --as-of or --known-at the register is replayed: what the rules say of the world on the one day by what was
        known at the end of the other. A replay is printed, and changes nothing in the register.

        Scenarios: 0 when every one gives exactly what it expects, 1 when not, 2 when a file is not valid.
        """
        if files and (as_of is not None or store is not None):
            raise BadInput("--as-of and --store go with the register, not with scenario files.")
        if not files:
            if as_of is None and known_at is None:
                if store is not None:
                    raise BadInput("--store goes with a replay.", remedy="Add --as-of or --known-at.")
                _say_judged(asyncio.run(_judge_register()), as_json)
                return
            replay_register(as_of and as_of.date(), known_at and known_at.date(), as_json=as_json, store=store)
            return
        scenarios = [(file, one) for file in files for one in read_scenarios(file)]
        with scratch_server() as server:
            outcomes = asyncio.run(_run(server, [one for _, one in scenarios], known_at))
        if as_json:
            typer.echo(json.dumps([_as_json(one) for one in outcomes], ensure_ascii=False, indent=1))
        else:
            for (file, _), outcome in zip(scenarios, outcomes, strict=True):
                _say(file, outcome)
        raise typer.Exit(0 if all(one.ok for one in outcomes) else 1)


async def _judge_register() -> Judged:
    at = now()
    async with transaction() as session:
        return await judge_nation(session, civil_day(at), at)


def _say_judged(judged: Judged, as_json: bool) -> None:
    if as_json:
        counts = {"judged": judged.judged, "opened": judged.opened, "changed": judged.changed, "closed": judged.closed}
        typer.echo(json.dumps({"rules": [one.id for one in rules()], **counts}))
        return
    typer.echo(
        f"已判定 judged {judged.judged:,}; 新增 opened {judged.opened:,}; "
        f"更新 changed {judged.changed:,}; 关闭 closed {judged.closed:,}"
    )


@contextmanager
def scratch_server() -> Iterator[str]:
    """The address of a PostgreSQL: of the settings or the run in this folder, else one started for the while."""
    if settings().database_url is not None:
        yield settings().database_dsn()
        return
    _progress("starting a PostgreSQL for the while")
    account = server_account()
    programs = install(account, _progress)
    # Not below the data folder: the server's account must reach it, and nobody will miss it.
    folder = Path(tempfile.mkdtemp(prefix="threegates-judge-"))
    try:
        folder.chmod(0o755)
        server = PostgreSQL(folder / "postgresql", programs.postgresql, choose_port(35432), account, FORGETFUL)
        server.prepare()
        log = folder / "postgresql.log"
        child = server.start(log)
        try:
            server.wait_ready(child, log)
            yield server.url()
        finally:
            server.stop(child)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run(server: str, scenarios: list[Scenario], known_at: datetime | None) -> list[Outcome]:
    started = time.monotonic()
    _progress("preparing a scratch database")
    outcomes = []
    async with scratch_database(server) as engine:
        for number, scenario in enumerate(scenarios, start=1):
            if number % 25 == 0:
                _progress(f"{number} of {len(scenarios)} scenarios")
            day = None if known_at is None else known_at.replace(tzinfo=UTC).date()
            outcomes.append(await run_scenario(engine, scenario, known_at=day))
    _progress(f"{len(scenarios)} scenarios in {time.monotonic() - started:.1f} s")
    return outcomes


def _progress(text: str) -> None:
    typer.echo(f"judge: {text}", err=True)


def _as_json(outcome: Outcome) -> dict[str, object]:
    findings = [{"rule": one.rule, "subject": one.subject, "reasons": list(one.reasons)} for one in outcome.findings]
    return {"scenario": outcome.scenario, "ok": outcome.ok, "findings": findings}


def _say(file: Path, outcome: Outcome) -> None:
    problems = f" — {'; '.join(outcome.problems)}" if outcome.problems else ""
    typer.echo(f"{'ok  ' if outcome.ok else 'FAIL'}  {file.name}: {outcome.scenario}{problems}")
