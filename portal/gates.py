"""The three gates of a project as the page shows them: state, reason in words, article."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from portal.language import N_, _, _n
from portal.words import reason_words, rule_title
from registry.acts import GATES
from registry.finding_list import FindingLine
from registry.gates import Gate as JudgedGate
from registry.gates import gates_of_projects
from registry.project_file import ProjectFile

LAWS: Final = {
    "land": N_("国发〔2013〕41号 五（三）：对未经核准、备案的项目，一律不得批准使用土地、岸线。"),
    "environment": N_("国发〔2013〕41号 三（一）、三（二）：不得办理能评、环评审批等相关业务。"),
    "credit": N_("国发〔2013〕41号 五（四）：对未取得合法手续的建设项目，一律不得放贷、发债、上市融资。"),
}


@dataclass(frozen=True)
class Gate:
    """One gate on the page."""

    lane: str
    state: str
    why: str
    law: str
    findings: tuple[FindingLine, ...]


async def gates_of(session: AsyncSession, file: ProjectFile, as_of: date) -> list[Gate]:
    """The gates of a file on a day, as known when the file was."""
    judged = (await gates_of_projects(session, [file.id], as_of, file.known_at))[file.id]
    by_fingerprint = {line.fingerprint: line for line in file.findings}
    return [
        Gate(
            lane,
            judged[lane].state,
            _why(judged[lane]),
            _(LAWS[lane]),
            tuple(by_fingerprint[one] for one in judged[lane].findings if one in by_fingerprint),
        )
        for lane in GATES
    ]


def _why(gate: JudgedGate) -> str:
    if gate.state == "forced":
        return _n("有 {count} 条未了结的疑点。", len(gate.findings))
    if gate.state == "open":
        return _("今天办理新的行为，有有效的批准文件和手续可依。")
    reasons = _("；").join(reason_words(rule, list(codes)) or rule_title(rule) for rule, codes in gate.would_break)
    return _("今天办理新的行为将没有依据：{reasons}。", reasons=reasons)
