"""The pages on which a report is written: one question each, then everything once more, then the receipt."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from portal.intake.form_stream import Upload, parts
from portal.intake.pacing import Pace, Puzzles
from portal.intake.rendering import language_of, render
from portal.intake.report import LEVELS, MOST_FILES, STEPS, Report, before, following
from portal.language import _, current_language, speaking
from portal.words import word
from registry.clock import today
from registry.errors import ThreegatesError
from registry.names import normalise
from registry.reading import Row, first, rows
from registry.tips.desks import LANES, Desk, Office, above, choose_desk, read_desks
from registry.tips.receipts import Receipt, new_receipt
from registry.tips.sealing import LARGEST_FILE, Header, fingerprint
from registry.tips.threads import as_intake, drop_file, intake_engine, keep_file, keep_report, read_thread

UPLOADS: Final = 50
# The steps whose answers decide which desk receives.
_PLACING = ("project", "province", "place", "lane", "office")


class Reporting:
    """The views; they share the pace at which reports are taken."""

    def __init__(self, pace: Pace, puzzles: Puzzles) -> None:
        self.pace = pace
        self.puzzles = puzzles
        # Each upload has threads of its own; who comes beyond waits before the file is read.
        self.uploads = asyncio.Semaphore(UPLOADS)

    async def start(self, request: Request) -> Response:
        """The first question."""
        return await self._ask(request, "what", Report(), {})

    async def answer(self, request: Request) -> Response:
        """One answer came: the next question, or the same again with what is wrong."""
        with speaking(language_of(request)):
            form: dict[str, str] = {}
            report: Report | None = None
            problem = ""
            async for part in parts(request):
                if isinstance(part, tuple):
                    form[part[0]] = part[1]
                    continue
                # Files are the last fields of their page: all that decides who may read them has come before.
                report = report or Report.of_form(form)
                if part.filename and not problem:
                    problem = await self._add_file(report, part)
            files = report.files if report else None
            draft = report.draft if report else ""
            report = Report.of_form(form)
            if files is not None:
                report.files, report.values["draft"] = files, draft
                report.values["files_desk"] = await self._desk_id(report)
            return await self._go(request, report, form, problem)

    async def _go(self, request: Request, report: Report, form: dict[str, str], problem: str) -> Response:
        step = form.get("step", "what")
        step = step if step in STEPS else "what"
        go = form.get("go", "next")
        if problem:
            return await self._ask(request, "files", report, {"files": problem})
        if go == "back":
            return await self._ask(request, before(step, report), report, {})
        if go.startswith("change:") and go[7:] in STEPS:
            return await self._ask(request, go[7:], report, {}, changing=True)
        if go.startswith("drop:"):
            await self._drop(report, go[5:])
            return await self._ask(request, "files", report, {})
        if go in ("search", "add"):
            return await self._ask(request, step, report, {}, searched=True)
        errors = report.errors(step)
        if errors:
            return await self._ask(request, step, report, errors)
        if step == "check":
            if go == "send":
                return await self._send(request, report, form)
            return await self._ask(request, "check", report, {}, script=go == "work")
        if step == "project":
            await self._place_project(report)
        if step == "province" and report.place[:2] != report.province[:2]:
            report.values["place"] = ""
        following_step = following(step, report)
        if following_step == "place" and report.province == "000000":
            following_step = "lane"
        if form.get("changing") and step not in _PLACING:
            following_step = "check"
        return await self._ask(request, following_step, report, {})

    # -- files -------------------------------------------------------------------------------------------------------

    async def _add_file(self, report: Report, upload: Upload) -> str:
        """Seal one file of the draft; what is wrong with it, or nothing."""
        if len(report.files) >= MOST_FILES:
            return _("最多可附 {count} 个文件。", count=MOST_FILES)
        desk = await self._desk(report)
        if desk is None:
            return _("目前没有单位能接收，文件没有保存。")
        if report.files and report.files_desk != desk.id:
            report.files = []
        report.values["draft"] = report.draft or secrets.token_hex(32)
        report.values["files_desk"] = desk.id
        size = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size
            async for piece in upload.content:
                size += len(piece)
                yield piece

        header = Header("file", upload.filename, upload.media_type)
        try:
            async with self.uploads:
                part = await keep_file(
                    intake_engine(), desk, header, counted(), today(), draft=bytes.fromhex(report.draft)
                )
        except ThreegatesError as error:
            if error.status != 413:
                raise
            return _("单个文件最多 {size} MiB；请分成几份，或只发送要紧的部分。", size=LARGEST_FILE // 1024**2)
        report.files.append((part, upload.filename[:200], size))
        return ""

    async def _drop(self, report: Report, part: str) -> None:
        if report.draft and any(one[0] == part for one in report.files):
            await drop_file(intake_engine(), bytes.fromhex(report.draft), part)
            report.files = [one for one in report.files if one[0] != part]

    # -- the desk ----------------------------------------------------------------------------------------------------

    async def _desk(self, report: Report) -> Desk | None:
        async with as_intake(intake_engine()) as session:
            desks = await read_desks(session)
        return desk_for(report, desks)

    async def _desk_id(self, report: Report) -> str:
        desk = await self._desk(report)
        return desk.id if desk else ""

    # -- showing -----------------------------------------------------------------------------------------------------

    async def _ask(
        self,
        request: Request,
        step: str,
        report: Report,
        errors: dict[str, str],
        *,
        searched: bool = False,
        script: bool = False,
        changing: bool = False,
    ) -> Response:
        values: dict[str, Any] = {"report": report, "step": step, "errors": errors, "searched": searched}
        values["changing"] = changing
        with speaking(language_of(request)):
            async with as_intake(intake_engine()) as session:
                values |= await self._choices(session, step, report, searched)
                if step in ("files", "check", "since", "who", "name"):
                    values["desk"] = desk = desk_for(report, await read_desks(session))
                    if desk is None:
                        return await self._nobody(request, session, report)
            # What is asked on this page travels in its own fields, everything else in hidden ones.
            asked = {"project": ("project", "project_words"), "name": ("named", "contact")}.get(step, (step,))
            if step == "office":
                asked = ("office", "office_name")
            if step == "check":
                self._drop_foreign_files(report, values)
                report.values["receipt"] = report.receipt or new_receipt().entropy.hex()
                values |= {
                    "wait": round(self.pace.expected()),
                    "rate": self.pace.rate,
                    "challenge": self.puzzles.challenge() if script else "",
                    "prints": [
                        (group, fingerprint(one))
                        for group, keys in (("A", values["desk"].group_a), ("B", values["desk"].group_b))
                        for one in keys
                    ],
                }
            values["hidden"] = report.hidden(but=asked)
            values["largest"] = LARGEST_FILE // 1024**2
            return render(request, "question.html" if step != "check" else "check.html", script=script, **values)

    def _drop_foreign_files(self, report: Report, values: dict[str, Any]) -> None:
        """Files that were sealed to another desk's keys cannot go along: they are added once more."""
        if report.files and report.files_desk != values["desk"].id:
            values["lost_files"] = [name for _part, name, _size in report.files]
            report.files = []

    async def _choices(self, session: AsyncSession, step: str, report: Report, searched: bool) -> dict[str, Any]:
        """What a step offers to choose from, and the names of what was chosen."""
        found: dict[str, Any] = {}
        if step == "project" and searched and report.project_words:
            found["projects"] = await find_projects(session, report.project_words)
        if step == "province":
            found["provinces"] = await _regions(session, "level = 1")
        if step == "place":
            found["cities"] = await _places(session, report.province)
        if step == "lane":
            found["lanes"] = [(lane, word("lane", lane)) for lane in LANES]
        if step == "office":
            found["offices"] = await _offices(session, report.region)
            found["levels"] = LEVELS
        if step == "check":
            found |= await names_of(session, report)
        return found

    async def _place_project(self, report: Report) -> None:
        """A project that was chosen has its place; one that is not there is not chosen."""
        if not report.project.isdecimal():
            report.values["project"] = ""
            return
        async with as_intake(intake_engine()) as session:
            found = await first(
                session,
                "SELECT region FROM tip_projects WHERE project_id = :id",
                id=int(report.project) % 2**63,
            )
        if found is None:
            report.values["project"] = ""
        elif found["region"]:
            report.values["province"] = f"{found['region'][:2]}0000"
            report.values["place"] = found["region"]

    async def _nobody(self, request: Request, session: AsyncSession, report: Report) -> Response:
        desks = [desk for desk in await read_desks(session) if desk.can_receive]
        hidden = report.hidden()
        return render(request, "nobody.html", report=report, desks=desks, hidden=hidden)

    # -- sending -----------------------------------------------------------------------------------------------------

    async def _send(self, request: Request, report: Report, form: dict[str, str]) -> Response:
        """Seal, keep, show the receipt. The same page sent twice is one report with one receipt."""
        worked = bool(form.get("number")) and self.puzzles.solved(form.get("challenge", ""), form["number"])
        await self.pace.turn(worked=worked)
        receipt = Receipt(bytes.fromhex(report.receipt)) if report.receipt else new_receipt()
        async with as_intake(intake_engine()) as session:
            desk = desk_for(report, await read_desks(session))
            if desk is None:
                return await self._nobody(request, session, report)
            names = await names_of(session, report)
        if report.files and report.files_desk != desk.id:
            return await self._ask(request, "check", report, {})
        if await read_thread(intake_engine(), receipt.lookup) is None:
            said = report.as_json(names["project_name"], names["place_name"], names["office_name"])
            draft = bytes.fromhex(report.draft) if report.draft and report.files else None
            await keep_report(intake_engine(), receipt, desk, said, draft, today())
        language = language_of(request)
        return render(
            request,
            "receipt.html",
            words=receipt.words(language),
            others=receipt.words("en" if language == "zh" else "zh"),
            desk=desk,
        )


def desk_for(report: Report, desks: list[Desk]) -> Desk | None:
    """The desk that a report goes to."""
    concerned = report.concerned
    if concerned is not None and concerned.id:
        # Which region an office serves is the register's to say, where it is a desk itself.
        concerned = next((desk.office for desk in desks if desk.id == concerned.id), concerned)
    return choose_desk(desks, report.region, "" if report.lane == "unknown" else report.lane, concerned)


async def find_projects(session: AsyncSession, words: str) -> list[Row]:
    """Projects whose name or enterprise holds the words; ten at most. The words stand in no address and no log."""
    wanted = normalise(words).text
    if not wanted:
        return []
    return await rows(
        session,
        "SELECT project_id, name, enterprise, region FROM tip_projects WHERE strpos(name_normal, :wanted) > 0 "
        "OR strpos(enterprise_normal, :wanted) > 0 ORDER BY length(name), project_id LIMIT 10",
        wanted=wanted,
    )


async def names_of(session: AsyncSession, report: Report) -> dict[str, str]:
    """The names of the project, the place and the office that were chosen."""
    project = None
    if report.project.isdecimal():
        project = await first(
            session, "SELECT name FROM tip_projects WHERE project_id = :id", id=int(report.project) % 2**63
        )
    codes = [code for code in reversed(above(report.region)) if code != "000000"]
    found = await rows(
        session,
        "SELECT DISTINCT ON (code) code, name FROM regions WHERE code = ANY(CAST(:codes AS text[])) "
        "ORDER BY code, held_to DESC NULLS FIRST",
        codes=codes,
    )
    names = {row["code"]: row["name"] for row in found}
    concerned = report.concerned
    office = ""
    if concerned is not None:
        office = report.office_name or dict(levels_words()).get(report.office, "")
        if concerned.id:
            row = await first(session, "SELECT name_zh, name_en FROM tip_offices WHERE id = :id", id=concerned.id)
            office = office_name(replace(concerned, **row)) if row else concerned.id
    return {
        "project_name": project["name"] if project else "",
        "place_name": "".join(names.get(code, "") for code in codes),
        "office_name": office,
    }


def levels_words() -> list[tuple[str, str]]:
    """Offices that are not in the list, by their height."""
    return [
        ("county", _("列表中没有：当地县（区）级单位")),
        ("city", _("列表中没有：当地市级单位")),
        ("province", _("列表中没有：当地省级单位")),
    ]


def office_name(office: Office) -> str:
    """An office's name in the reader's language."""
    return office.name_en if current_language() == "en" and office.name_en else office.name_zh


async def _regions(session: AsyncSession, condition: str, **values: str) -> list[tuple[str, str]]:
    found = await rows(
        session,
        "SELECT code, name FROM regions WHERE held_to IS NULL AND "
        f"{condition} GROUP BY code, name ORDER BY code",  # our own condition
        **values,
    )
    return [(row["code"], row["name"]) for row in found]


async def _places(session: AsyncSession, province: str) -> list[tuple[str, str]]:
    """The cities and counties of a province; a county with its city's name before it."""
    found = await _regions(session, "code LIKE :start AND level > 1", start=f"{province[:2]}%")
    cities = {code[:4]: name for code, name in found if code.endswith("00")}
    return [
        (code, name if code.endswith("00") else f"{cities.get(code[:4], '')} {name}".strip()) for code, name in found
    ]


async def _offices(session: AsyncSession, region: str) -> list[tuple[str, str]]:
    """The offices in charge of a place, the nearest first."""
    found = await rows(
        session,
        "SELECT id, name_zh, name_en, region FROM tip_offices WHERE region = ANY(CAST(:regions AS text[])) "
        "ORDER BY region DESC, id LIMIT 60",
        regions=above(region),
    )
    return [
        (f"{row['id']}@{row['region']}", office_name(Office(row["region"], row["id"], row["name_zh"], row["name_en"])))
        for row in found
    ]
