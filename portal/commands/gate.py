"""`threegates gate`: ask before granting, verify a receipt offline, answer a file of questions."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table
from typer.core import TyperGroup

from portal.commands._operating import operator_name
from portal.commands._signed import content_of
from portal.commands._signed import published as published_by
from registry import clock
from registry.database import engine, transaction
from registry.errors import BadInput, NotFound
from registry.gate.batches import Batch, batch_file, batch_lines, open_batch, run_batch
from registry.gate.checks import Ask, ask_again, ask_one
from registry.gate.files import QuestionsFile, read_questions
from registry.gate.questions import GATE_ACTS, GATE_LANES, Question
from registry.gate.receipts import BadSignature, read_receipt, verify
from registry.gate.signing import ensure_signing_key, published_keys
from registry.identifiers import BadIdentifier, project_code
from registry.import_problems import ItemsRejected, Problem, read_items
from registry.settings import settings
from registry.viewers import Viewer

# Scripts tell the answers apart by these; 2 is for input that is not valid.
EXIT: Final = {"allow": 0, "refuse": 1, "refer": 3}
MARKS: Final = {"allow": "✓", "refuse": "✗", "refer": "?"}
SHOWN: Final = 50


class _ActFirst(TyperGroup):
    """`threegates gate land_grant --project …`: what is no word of the group is the act that is asked for."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A known word, or `ask` with the act before everything else."""
        if args and args[0] not in self.commands:
            args = ["ask", *args]
        return super().resolve_command(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the command."""
    gate = typer.Typer(
        cls=_ActFirst,
        no_args_is_help=True,
        help="Ask before granting: `threegates gate ACT --project CODE`.\n\nACT is one of "
        + ", ".join((*GATE_ACTS, *GATE_LANES))
        + ".\n\nExit code: 0 allow, 1 refuse, 3 a person must look, 2 the input is not valid.",
    )
    app.add_typer(gate, name="gate")
    gate.command("ask", help="Ask for one act (the word `ask` may be left out).")(ask)
    gate.command("re-check", help="Ask again, before a disbursement.")(recheck)
    gate.command("verify", help="Whether a receipt is genuine; needs no network and no database.")(verify_receipt)
    gate.command("batch", help="Answer a file of up to 10,000 questions, with the exposure of each group.")(batch)
    gate.command("keys", help="Print the published keys, as /gate-check/keys.json gives them.")(keys)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: of a check its receipt, which can be saved.")]


def ask(
    act: Annotated[str, typer.Argument(help="The intended act, or its lane.")],
    project: Annotated[str, typer.Option(help="Project code, or the project's name.")],
    party: Annotated[str, typer.Option(help="Who is to get it: USCC or name.")] = "",
    place: Annotated[str, typer.Option(help="Where a project named by its name is: region code or names.")] = "",
    product: Annotated[str, typer.Option(help="What it makes, such as crude_steel.")] = "",
    kind: Annotated[str, typer.Option(help="Of a loan: construction, working_capital, merger …")] = "",
    amount: Annotated[str, typer.Option(help="Yuan.")] = "",
    area: Annotated[str, typer.Option(help="Hectares.")] = "",
    capacity: Annotated[str, typer.Option(help="Tonnes a year of the product.")] = "",
    months: Annotated[str, typer.Option(help="Term of a loan.")] = "",
    on: Annotated[str, typer.Option(help="The day on which it is intended (default: today).")] = "",
    reference: Annotated[str, typer.Option(help="Your own number of the case.")] = "",
    key: Annotated[str, typer.Option("--idempotency-key", help="The same key gets the same answer.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask for one act."""
    asked: dict[str, Any] = {
        "lane" if act in GATE_LANES else "act": act,
        "project": _project(project, place, product),
        "party": _party(party),
        "kind": kind,
        "amount": amount,
        "area_hectares": area,
        "months": months,
        "on": on,
        "reference": reference,
        "capacities": [{"product": product, "amount": capacity, "unit": "t/a"}] if capacity else None,
    }
    questions, _rows, problems = read_items(Question, [{name: value for name, value in asked.items() if value}])
    if problems:
        raise ItemsRejected([_as_option(one) for one in problems])
    receipt = asyncio.run(_closing(_ask(Ask(questions[0], _operator(), key or None))))
    _finish(receipt, as_json)


_OPTIONS: Final = {
    "project.code": "--project",
    "project.name": "--project",
    "project.place": "--place",
    "project.product": "--product",
    "party.uscc": "--party",
    "party.name": "--party",
    "area_hectares": "--area",
    "capacities.0.amount": "--capacity",
    "capacities.0.product": "--product",
    "act": "ACT",
    "lane": "ACT",
}


def _as_option(problem: Problem) -> Problem:
    place = _OPTIONS.get(problem.column, f"--{problem.column}")
    return Problem(
        1, place, problem.value, problem.zh, problem.en, problem.remedy_zh, problem.remedy_en, problem.is_choice
    )


def _project(said: str, place: str, product: str) -> dict[str, str]:
    named = {name: value for name, value in (("place", place), ("product", product)) if value}
    try:
        return {"code": project_code.parse(said).value, **named}
    except BadIdentifier:
        # Digits and hyphens alone are a code that was typed wrongly, never a name.
        is_code = said.replace("-", "").isdigit()
        return {"code" if is_code else "name": said, **named}


def _party(said: str) -> dict[str, str] | None:
    if not said:
        return None
    return {"uscc" if said.isascii() and said.replace("-", "").isalnum() else "name": said}


def _operator() -> Viewer:
    """Whoever runs the command on the register's own machine; it may know that credit is flagged."""
    name = operator_name()
    return Viewer(kind="person", actor=name, name=name, permissions=frozenset({"gate", "credit"}))


async def _closing(work: Any) -> Any:
    try:
        return await work
    finally:
        await engine().dispose()


async def _ask(asked: Ask) -> bytes:
    async with transaction() as session:
        key = await ensure_signing_key(session)
        return (await ask_one(session, asked, clock.now(), key)).receipt


def recheck(
    check: Annotated[str, typer.Argument(help="The id of the first receipt.")],
    amount: Annotated[str, typer.Option(help="Yuan, where it is not the amount of the first.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask again."""

    async def work() -> bytes:
        async with transaction() as session:
            again = await ask_again(session, _operator(), check, amount=amount or None)
        return await _ask(again)

    _finish(asyncio.run(_closing(work())), as_json)


def _finish(receipt: bytes, as_json: bool) -> None:
    document = orjson.loads(receipt)
    if as_json:
        typer.echo(receipt.decode())
    else:
        for line in told(document, chinese=settings().language == "zh"):
            typer.echo(line)
    raise typer.Exit(EXIT[document["answer"]])


def told(document: dict[str, Any], *, chinese: bool) -> list[str]:
    """A receipt as lines for the terminal."""
    this, other = ("zh", "en") if chinese else ("en", "zh")
    lines = [f"{MARKS[document['answer']]} {document['answer_' + this]}"]
    project = document["project"]
    if project:
        lines.append(f"  {project['name']} {project.get('code', '')}".rstrip())
    for one in document["reasons"]:
        cited = one["citations"][0]
        lines.append(f"  - {one['title_' + this]}: {one[this]}")
        lines.append(f"    {cited['document']} {cited['clause_' + this]}: {cited['quote_' + this]}")
    lines += [f"  - {one[this] or one[other]}" for one in document["notes"]]
    if document["missing"]:
        lines.append("所缺材料及提供机关：" if chinese else "What is missing, and who can supply it:")
        lines += [f"  - {one[this]} ({one['agency_' + this]})" for one in document["missing"]]
    if document["candidates"]:
        lines.append("可能的项目：" if chinese else "Projects it may be:")
        lines += [f"  - {one['name']} {one.get('code', '')}".rstrip() for one in document["candidates"]]
    if document["holds_until"]:
        lines.append(f"有效期至 {document['holds_until']}" if chinese else f"Holds until {document['holds_until']}")
    lines.append(f"{'回执' if chinese else 'Receipt'}: {document['address']}")
    return lines


def verify_receipt(
    receipt: Annotated[Path, typer.Argument(help="The receipt (JSON).")],
    published: Annotated[
        Path | None, typer.Option("--keys", help="Published keys; default: the key of this installation.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Whether a receipt is genuine: 0 it is, 1 it is not, 2 the file is none or its key is not known."""
    document = read_receipt(content_of(receipt))
    try:
        name = verify(document, published_by(published))
    except BadSignature as error:
        if as_json:
            typer.echo(orjson.dumps({"genuine": False, "problem": error.message}).decode())
        else:
            typer.echo(f"✗ 回执不真实 · not genuine: {error}")
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(orjson.dumps({"genuine": True, "key": name, "answer": document["answer"]}).decode())
        return
    typer.echo(f"✓ 回执真实 · genuine (Ed25519 {name})")
    for line in told(document, chinese=settings().language == "zh"):
        typer.echo(line)


def batch(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or JSONL; see docs/gate-check.md.")],
    act: Annotated[str, typer.Option(help="For all rows that do not say theirs.")] = "",
    valid_rows: Annotated[
        bool, typer.Option("--valid-rows", help="Ask the valid rows although others are not.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Answer a file: 0 all are allowed, 1 some are not, 2 nothing was asked because rows are not valid."""
    read = read_questions(file, clock.today(), given={"act": act} if act else {})
    if read.problems and (not valid_rows or not read.questions):
        raise ItemsRejected(read.problems)
    if not read.questions:
        raise BadInput(
            "The file holds no question.", where=file.name, remedy="Fill in the template, one question a row."
        )
    found, lines = asyncio.run(_closing(_batch(file.name, read)))
    chinese = settings().language == "zh"
    if as_json:
        told_json = found.model_dump(mode="json") | {
            "lines": [one.model_dump(mode="json") for one in lines],
            "refused_rows": [{"row": one.row, "column": one.column, "problem": one.en} for one in read.problems],
        }
        typer.echo(orjson.dumps(told_json, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(found, read.problems, Console(), chinese=chinese)
    raise typer.Exit(0 if found.answers["allow"] == found.total and not read.problems else 1)


async def _batch(name: str, read: QuestionsFile) -> tuple[Batch, list[Any]]:
    viewer = _operator()
    async with transaction() as session:
        key = await ensure_signing_key(session)
        address = await open_batch(session, viewer, name, read.questions, read.rows, clock.now())
    with Bar(console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task(name, total=len(read.questions))
        async for progress in run_batch(engine(), address, key):
            bar.update(shown, completed=progress.done)
    async with transaction() as session:
        found = await batch_file(session, viewer, address)
        return found, (await batch_lines(session, viewer, address, limit=len(read.questions))).items


def _show(found: Batch, problems: Sequence[Problem], console: Console, *, chinese: bool) -> None:
    words = {"allow": "可办理", "refuse": "不得办理", "refer": "须核实"} if chinese else {one: one for one in EXIT}
    console.print("  ".join(f"{words[one]} {count:,}" for one, count in found.answers.items()))
    table = Table(title="按集团的敞口（元）" if chinese else "Exposure by group (yuan)")
    table.add_column("集团" if chinese else "group")
    table.add_column("笔数" if chinese else "questions", justify="right")
    for one in EXIT:
        table.add_column(words[one], justify="right")
    for group in found.exposure[:SHOWN]:
        sums = (f"{getattr(group, one):,f}" for one in EXIT)
        table.add_row(group.group, f"{group.questions:,}", *sums)
    console.print(table)
    if len(found.exposure) > SHOWN:
        console.print(f"… {len(found.exposure) - SHOWN:,} (--json)")
    for problem in problems[:SHOWN]:
        console.print(f"{problem.row} {problem.column}: {problem.say('zh' if chinese else 'en')}", markup=False)


def keys() -> None:
    """Print the published keys."""

    async def work() -> list[dict[str, Any]]:
        async with transaction() as session:
            return await published_keys(session)

    found = asyncio.run(_closing(work()))
    if not found:
        raise NotFound("No key was published yet.", remedy="Start the register, or ask at the gate once.")
    typer.echo(orjson.dumps({"keys": found}, option=orjson.OPT_INDENT_2).decode())
