"""`threegates rules`: list the rules, show one with its law, explain a finding or a rule, lay a new one."""

import asyncio
import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

import typer

from portal.language import speaking
from portal.rule_story import tell
from portal.units import day as day_words
from portal.words import reason_words, word
from registry.clock import today
from registry.database import transaction
from registry.errors import NotFound
from registry.finding_list import FindingFile, finding_file
from registry.flags import Succession
from registry.law.duties import duties_of
from registry.law.reading import law
from registry.reference.regions import read
from registry.rules.examples import example_of, first_day
from registry.rules.laying import lay_rule
from registry.rules.reading import Rule, rules

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
_FINGERPRINT: Final = 20  # letters of a finding's address


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The rules: list, show, explain, new.", no_args_is_help=True)
    app.add_typer(group, name="rules")

    @group.command("list")
    def list_rules(as_json: AsJson = False) -> None:
        """List every built rule: id, basis, first day of its law, title."""
        if as_json:
            _print([_line(one) for one in rules()])
            return
        for one in rules():
            typer.echo(f"{one.id:28} {one.basis:8} {first_day(one)}  {one.title.zh}  {one.title.en}")

    @group.command()
    def show(rule: Annotated[str, typer.Argument(help="Its id.")], as_json: AsJson = False) -> None:
        """Show one rule: words, law, parameters over time, who has the duty today, and its condition."""
        found = _rule(rule)
        if as_json:
            _print(_whole(found))
            return
        _show(found)

    @group.command()
    def explain(
        what: Annotated[str, typer.Argument(help="A rule's id, or the address of a finding.")], as_json: AsJson = False
    ) -> None:
        """Explain a rule by an example, or a finding by its evidence and its law."""
        found = next((one for one in rules() if one.id == what), None)
        if found is not None:
            _explain_rule(found, as_json)
            return
        if len(what) != _FINGERPRINT:
            raise _unknown(what)
        finding = asyncio.run(_finding(what))
        if as_json:
            _print(finding.model_dump(mode="json"))
            return
        _explain_finding(finding)

    @group.command()
    def new(rule: Annotated[str, typer.Argument(help="Its id, such as land-without-approval.")]) -> None:
        """Lay a folder for a new rule, with teaching comments; its cases fail until they are filled."""
        for path in lay_rule(rule):
            typer.echo(str(path))
        typer.echo(f"Write them, then run: threegates judge {path}", err=True)


def _rule(name: str) -> Rule:
    found = next((one for one in rules() if one.id == name), None)
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> NotFound:
    return NotFound("There is no such rule.", where=name, remedy="See `threegates rules list`.")


def _print(content: Any) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=1, default=_plain))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, (date, Decimal)) else list(value)


def _line(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "title": {"zh": rule.title.zh, "en": rule.title.en},
        "basis": rule.basis,
        "since": first_day(rule),
        "acts": list(rule.acts),
        "version": rule.version,
    }


def _whole(rule: Rule) -> dict[str, Any]:
    parameters = [law().parameter(name) for name in rule.parameters]
    return _line(rule) | {
        "plain": {"zh": rule.plain.zh, "en": rule.plain.en},
        "citations": rule.citation(),
        "parameters": {
            one.name: [
                {"since": value.since, "value": value.value, "citation": law().citation(value.reference)}
                for value in one.values
            ]
            for one in parameters
        },
        "reasons": {code: {"zh": words.zh, "en": words.en} for code, words in rule.reasons.items()},
        "duty": _duty(rule),
        "sql": rule.sql,
    }


def _duty(rule: Rule) -> list[dict[str, Any]]:
    """Every row and clause that lays the duty, with whoever has it today; from the files, no database is asked."""
    names = {row["id"]: row["name_zh"] for row in read("agencies.csv")}
    steps: dict[str, list[tuple[date, str]]] = {}
    for row in read("agency_successions.csv"):
        steps.setdefault(row["predecessor_id"], []).append((date.fromisoformat(row["on_date"]), row["successor_id"]))
    succession = Succession(steps)
    return [
        {
            "by": one.id,
            "task_zh": one.task_zh,
            "task_en": one.task_en,
            "named": [names[agency] for agency in one.responsible],
            "today": list(dict.fromkeys(names[succession.holder(agency, today())] for agency in one.responsible)),
        }
        for one in duties_of(rule.id)
    ]


def _show(rule: Rule) -> None:
    typer.echo(f"{rule.id}  {rule.title.zh}  {rule.title.en}\n")
    typer.echo(f"{rule.plain.zh}\n{rule.plain.en}\n")
    typer.echo(f"basis: {rule.basis}; in force from {first_day(rule)}; version {rule.version}\n")
    for citation in rule.citation():
        typer.echo(f"{citation['document_zh']}{citation['clause_zh']}：{citation['quote_zh']}")
        typer.echo(f"  {citation['clause_en']}: {citation['quote_en']}\n")
    for name in rule.parameters:
        parameter = law().parameter(name)
        typer.echo(f"{parameter.title_zh}  {parameter.title_en} ({name})")
        for value in parameter.values:
            typer.echo(f"  {value.since}  {_said(value.value)}")
        for code, values in parameter.regions:
            typer.echo(f"  {code}: " + "; ".join(f"{one.since} {_said(one.value)}" for one in values))
        typer.echo("")
    for duty in _duty(rule):
        typer.echo(f"{duty['by']}: {'、'.join(duty['today'])}（{duty['task_zh']}）")
    typer.echo(f"\n{rule.sql}")


def _said(value: Any) -> str:
    if value is None:
        return "suspended"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _explain_rule(rule: Rule, as_json: bool) -> None:
    example = example_of(rule)
    if as_json:
        told = example.world.model_dump(mode="json", exclude_none=True, by_alias=True) if example else None
        _print({"rule": rule.id, "plain": {"zh": rule.plain.zh, "en": rule.plain.en}, "example": told})
        return
    typer.echo(f"{rule.title.zh}  {rule.title.en}\n\n{rule.plain.zh}\n{rule.plain.en}\n")
    for code, words in rule.reasons.items():
        typer.echo(f"  {code}: {words.zh}  {words.en}")
    if example is None:
        return
    story = tell(rule, example)
    typer.echo(f"\n一个例子（虚构）  {example.world.scenario}")
    for person in story.people:
        typer.echo(f"  {person}")
    for step in [*story.steps, *story.undated]:
        verdict = f"  ← 疑点 {rule.title.zh} {step.reasons}".rstrip() if step.flagged else ""
        typer.echo(f"  {step.day}  {step.text}{verdict}")
    typer.echo(f"  判定日期 {story.judged}")


async def _finding(fingerprint: str) -> FindingFile:
    async with transaction() as session:
        return await finding_file(session, fingerprint, "official")


def _explain_finding(finding: FindingFile) -> None:
    newest = finding.versions[0]
    with speaking("zh"):
        about = finding.project_name or finding.subject_reference
        typer.echo(f"{finding.fingerprint}  {finding.rule}  {word('finding_state', finding.state)}")
        typer.echo(f"{word('act', finding.act)} {day_words(finding.acted_on)}  {about}")
        typer.echo(f"情形: {reason_words(finding.rule, finding.reasons)}")
        typer.echo(f"责任机关: {finding.duty_holder_zh}")
    for citation in newest.citation:
        typer.echo(f"依据: {citation['document_zh']}{citation['clause_zh']}：{citation['quote_zh']}")
    for name, value in newest.parameters.items():
        typer.echo(f"参数 {name} = {value}")
    typer.echo(f"规则版本 {newest.rule_version}; 证据 {newest.evidence_hash}")
    typer.echo(json.dumps(newest.evidence, ensure_ascii=False, indent=1))
    for version in finding.versions:
        until = f" {version.closed_reason}" if version.closed_reason else ""
        typer.echo(f"{version.known_from:%Y-%m-%d %H:%M}  {version.state}{until}")
