"""A case as PDF: where it stands, decisions with their articles, findings, tasks, files with digests, the trail.

Made by fpdf2 with Noto Sans SC, both wheels: nothing has to be installed on the system.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import FontFace
from pylopdf_fonts_zh_cn import sans_path

from portal import case_words
from portal.language import _, current_language
from portal.units import day, instant
from portal.words import reason_words, rule_title, word
from registry.cases.case_file import CaseDossier

_FONT: Final = "noto"
_BODY: Final = 10
_SMALL: Final = 8


class _Paper(FPDF):
    """A4 with the number on every page."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.running = title
        self.add_font(_FONT, "", str(sans_path()))
        self.set_auto_page_break(True, 18)
        self.set_title(title)
        self.set_creator("threegates")

    def footer(self) -> None:
        """The number of the case and of the page."""
        self.set_y(-14)
        self.set_font(_FONT, size=_SMALL)
        self.cell(0, 6, f"{self.running}    {self.page_no()}/{{nb}}", align="C")

    def heading(self, text: str, size: int = 13) -> None:
        """A heading, kept with what follows."""
        if self.will_page_break(24):
            self.add_page()
        self.ln(3)
        self.set_font(_FONT, size=size)
        self.write_line(text, size * 0.6)
        self.set_font(_FONT, size=_BODY)

    def write_line(self, text: str, height: float = 5.6) -> None:
        """A paragraph; breaks anywhere, as Chinese does."""
        self.multi_cell(0, height, text, align="L", wrapmode=WrapMode.CHAR, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def rows(self, headings: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
        """A table."""
        self.set_font(_FONT, size=_SMALL + 1)
        with self.table(
            col_widths=tuple(widths),
            headings_style=FontFace(emphasis="", fill_color=(235, 239, 243)),
            line_height=5,
            text_align="LEFT",
            wrapmode=WrapMode.CHAR,
        ) as table:
            for cells in (headings, *rows):
                row = table.row()
                for cell in cells:
                    row.cell(cell)
        self.set_font(_FONT, size=_BODY)


def case_pdf(file: CaseDossier, printed_by: str, at: datetime) -> bytes:
    """The whole file as the reader sees it, in the current language."""
    chinese = current_language() == "zh"
    paper = _Paper(f"{_('案件 {number}', number=file.number)}")
    paper.add_page()
    paper.set_font(_FONT, size=18)
    paper.write_line(_("案卷"), 10)
    paper.set_font(_FONT, size=13)
    paper.write_line(f"{file.number}  {file.title}", 8)
    paper.set_font(_FONT, size=_BODY)
    if file.synthetic:
        paper.write_line(_("此案依据由程序生成的记录，不是真实案件。"))
    facts = [
        (_("办理依据"), file.path_zh if chinese else file.path_en),
        (_("所处环节"), file.stage_zh if chinese else file.stage_en),
        (_("办理期限"), day(file.due) if file.due else _("没有期限")),
        (_("承办"), f"{file.desk_zh if chinese else file.desk_en} {file.owner}"),
        (_("案件来源"), case_words.said(case_words.ORIGINS, file.origin)),
        (_("立案"), f"{instant(file.opened_at)} {file.opened_by}"),
        (_("项目"), file.project_name or _("没有登记的项目")),
        (_("企业"), file.enterprise_name or ""),
        (_("地点"), file.region_name or file.region),
    ]
    for name, value in facts:
        if value:
            paper.write_line(f"{name}{_('：')}{value}")
    _decisions(paper, file)
    _findings(paper, file)
    _tasks(paper, file)
    _files(paper, file)
    if file.notes:
        paper.heading(_("备注"))
        for note in file.notes:
            paper.write_line(f"{instant(note.at)} {note.actor}{_('：')}{note.body}")
    paper.heading(_("经过"))
    rows = [
        (instant(one.at), one.actor or _("系统"), f"{case_words.event(one)} {one.content.get('reason', '')}".strip())
        for one in file.events
    ]
    paper.rows((_("时间"), _("人员"), _("事项")), rows, (28, 22, 80))
    paper.heading(_("说明"), 11)
    paper.write_line(_("疑点是有据可查的怀疑，不是结论；没有疑点也不等于合法。"))
    paper.write_line(
        _("{actor} 于 {at} 打印，案件版本 {version}。", actor=printed_by, at=instant(at), version=file.version)
    )
    return bytes(paper.output())


def _quoted(citation: dict[str, str]) -> str:
    if not citation:
        return ""
    quote = citation["quote_zh"] if current_language() == "zh" else citation["quote_en"]
    return f"{case_words.citation(citation)}{_('：')}“{quote}”"


def _decisions(paper: _Paper, file: CaseDossier) -> None:
    if not file.decisions:
        return
    paper.heading(_("已作出的处理"))
    for one in file.decisions:
        title = one.step_zh if current_language() == "zh" else one.step_en
        paper.write_line(f"{day(one.decided)} {title}  {one.authority} {one.number}")
        paper.write_line(f"{_('理由')}{_('：')}{one.reason}")
        paper.write_line(f"{_('依据')}{_('：')}{_quoted(one.citation)}")
        paper.write_line(f"{_('已记入项目档案：')}{one.reference}")
        paper.ln(2)


def _findings(paper: _Paper, file: CaseDossier) -> None:
    if not file.findings:
        return
    paper.heading(_("疑点与证据"))
    for one in file.findings:
        paper.write_line(f"{rule_title(one.rule)}{'  ' + reason_words(one.rule, one.reasons) if one.reasons else ''}")
        if one.acted_on:
            paper.write_line(f"{word('act', one.act)} {day(one.acted_on)} {one.subject_reference}")
        for cited in one.citation:
            paper.write_line(f"{_('依据')}{_('：')}{_quoted(cited)}")
        paper.set_font(_FONT, size=_SMALL)
        paper.write_line(f"{_('疑点编号')} {one.fingerprint}", 4.6)
        if one.evidence_hash:
            paper.write_line(f"{_('证据摘要值')} {one.evidence_hash}", 4.6)
        paper.set_font(_FONT, size=_BODY)
        paper.ln(2)


def _tasks(paper: _Paper, file: CaseDossier) -> None:
    if not file.tasks:
        return
    paper.heading(_("任务与意见"))
    rows = [
        (
            one.title,
            one.organisation_zh if current_language() == "zh" else one.organisation_en,
            day(one.due),
            " ".join(
                part
                for part in (
                    case_words.said(case_words.TASK_STATES, one.state),
                    case_words.said(case_words.POSITIONS, one.position),
                    one.answer,
                )
                if part
            ),
        )
        for one in file.tasks
    ]
    paper.rows((_("事项"), _("交给"), _("办理期限"), _("答复")), rows, (40, 30, 20, 60))


def _files(paper: _Paper, file: CaseDossier) -> None:
    if not file.files:
        return
    paper.heading(_("附件"))
    rows = [(one.name, f"{one.size:,}", one.sha256) for one in file.files]
    paper.rows((_("附件"), _("字节"), "SHA-256"), rows, (45, 15, 90))
