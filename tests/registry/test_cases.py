"""Cases: opened from an alert, moved by the documents' steps into the register, worked on by several offices."""

import asyncio
import hashlib
import io
import zipfile
from datetime import date, timedelta

import pikepdf
import pytest
from PIL import ExifTags, Image
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.cases.arranging import Splitting, add_note, assign, hand_on, merge, split
from registry.cases.asking import Answer, Asked, answer, ask, put_off, withdraw
from registry.cases.case_file import CaseDossier, case_file
from registry.cases.case_list import CaseFilter, case_of_alert, cases_of_project, list_cases
from registry.cases.desk import desk, desk_counts
from registry.cases.files import NewFile, add_file, look_into, plain_name, read_file
from registry.cases.moving import Step, StepNotReady, take_step
from registry.cases.opening import NewCase, open_case
from registry.cases.reminding import remind
from registry.clock import civil_day
from registry.database import transaction
from registry.errors import BadFile, BadInput, ChangedMeanwhile, Conflict, NotAllowed, NotFound
from registry.handover import OPEN_WORK, hand_over, open_work
from registry.roles import Permission
from registry.viewers import PUBLIC, Viewer, become
from registry.working_days import working_day_after
from tests.registry.worlds import at, findings, keep, nation, record, scenario, value

TODAY = civil_day(at(9))
REVIEWER: tuple[Permission, ...] = ("decide",)
SUPERVISOR: tuple[Permission, ...] = ("decide", "approve")


async def somebody(
    engine: AsyncEngine, office: str, *permissions: Permission, region: str = "130000", lanes: str = "approval"
) -> Viewer:
    """Somebody of an office of a region."""
    await value(
        engine,
        "INSERT INTO organisations (id, kind, name_zh, name_en, region, lanes, created_at) VALUES "
        "(:id, 'agency', concat('示例', CAST(:id AS text)), 'Example', :region, ARRAY[CAST(:lane AS text)], now()) "
        "ON CONFLICT (id) DO UPDATE SET kind = 'agency' RETURNING id",
        id=office,
        region=region,
        lane=lanes,
    )
    account = await value(
        engine,
        "INSERT INTO accounts (login, name, organisation_id, region, state, created_at) "
        "SELECT 'p' || count(*), '示例', :office, :region, 'active', now() FROM accounts RETURNING id",
        office=office,
        region=region,
    )
    return Viewer(
        "person",
        account,
        actor=f"p{account}",
        organisation_id=office,
        region=region,
        permissions=frozenset({"internal", *permissions}),
    )


async def read(engine: AsyncEngine, viewer: Viewer, number: str, today: date = TODAY) -> CaseDossier:
    async with transaction(engine) as session:
        await become(session, viewer)
        return await case_file(session, viewer, number, today)


async def step(engine: AsyncEngine, viewer: Viewer, number: str, name: str, version: int | None = None) -> None:
    async with transaction(engine) as session:
        await become(session, viewer)
        outcome = {"close": "formalities_completed", "close-unfounded": "unfounded"}.get(name, "")
        taken = Step(name, "已核对", "示例发〔2017〕1号", "示例发展改革委员会", TODAY, outcome)
        await take_step(session, viewer, number, version, taken, at(9))


async def attach(engine: AsyncEngine, viewer: Viewer, number: str, kind: str, content: bytes, name: str) -> int:
    async with transaction(engine) as session:
        await become(session, viewer)
        looked = look_into(name, content, most_bytes=2**20)
        return await add_file(session, viewer, number, NewFile(name, content, kind), looked, at(9))


async def opened(engine: AsyncEngine, viewer: Viewer, **more: object) -> str:
    async with transaction(engine) as session:
        await become(session, viewer)
        new = NewCase(**{"path": "3-1", "title": "示例甲项目", "reason": "警报", **more})  # type: ignore[arg-type]  # as given
        return await open_case(session, viewer, new, at(9))


async def world(engine: AsyncEngine) -> tuple[str, int]:
    """One land grant without approval: the finding's fingerprint and its project."""
    await keep(engine, scenario([record("L1", "land_grant", "2014-02-01")]))
    await nation(engine, at(1))
    (finding,) = await findings(engine)
    return finding["fingerprint"], finding["project_id"]


async def test_a_project_under_construction_is_recognised_step_by_step(engine: AsyncEngine) -> None:
    fingerprint, project = await world(engine)
    reviewer = await somebody(engine, "ndrc-hebei", *REVIEWER)
    supervisor = await somebody(engine, "ndrc-hebei", *SUPERVISOR)
    land = await somebody(engine, "land-hebei", "register", lanes="land")
    await somebody(engine, "env-hebei", "register", lanes="environment")
    number = await opened(engine, reviewer, findings=(fingerprint,))
    assert number == f"{TODAY.year}-130000-0001"
    with pytest.raises(Conflict):  # the same finding in a second case
        await opened(engine, reviewer, findings=(fingerprint,))
    file = await read(engine, reviewer, number)
    assert (file.project_id, file.stage, file.due) == (project, "verify", working_day_after(TODAY, 10))
    assert [one.fingerprint for one in file.findings] == [fingerprint]
    assert {one.step for one in file.next_steps} >= {"forbid-start", "halt", "find-concealed", "apply"}
    # Who does not work at the desk, and who may not approve, take no such step.
    with pytest.raises(NotAllowed):
        await step(engine, await somebody(engine, "other", *SUPERVISOR), number, "halt")
    await step(engine, reviewer, number, "halt", file.version)
    # The decision stands in the register in the same transaction, where the rules and the timeline read it.
    assert await value(engine, "SELECT kind FROM dispositions WHERE reference = :r", r=f"case:{number}:1") == "halt"
    assert await value(engine, "SELECT count(*) FROM dirty_marks WHERE purpose = 'judge' AND kind = 'project'") == 1
    with pytest.raises(ChangedMeanwhile):
        await step(engine, reviewer, number, "apply", file.version)
    with pytest.raises(StepNotReady, match="file application"):
        await step(engine, reviewer, number, "apply")
    with pytest.raises(BadInput):
        await step(engine, reviewer, number, "recognise")
    await attach(engine, reviewer, number, "application", "申请报告".encode(), "申请报告.txt")
    await step(engine, reviewer, number, "apply")
    await step(engine, reviewer, number, "consult")
    file = await read(engine, land, number)
    asked = {one.template: one for one in file.tasks}
    assert {name: one.organisation_id for name, one in asked.items()} == {
        "consult-land": "land-hebei",
        "consult-environment": "env-hebei",
    }
    assert not file.works and all(not one.may for one in file.next_steps)
    async with transaction(engine) as session:
        await become(session, land)
        own = (await desk(session, land, "mine", TODAY)).new.tasks
        assert [one.task_id for one in own] == [asked["consult-land"].task_id]
        with pytest.raises(BadInput):
            await answer(session, land, own[0].task_id, own[0].version, Answer("可以"), at(9))
        await answer(session, land, own[0].task_id, own[0].version, Answer("已供地，同意", "agree"), at(9))
        with pytest.raises(NotAllowed):
            other = asked["consult-environment"]
            await answer(session, land, other.task_id, other.version, Answer("同意", "agree"), at(9))
    async with transaction(engine) as session:
        await become(session, reviewer)
        waiting = (await desk(session, reviewer, "mine", TODAY)).waiting.tasks
        assert [one.organisation_id for one in waiting] == ["env-hebei"]
        late = await desk_counts(session, reviewer, TODAY + timedelta(days=100))
        assert (late.overdue, late.due_today) == (1, 0)
        overdue = await list_cases(session, reviewer, CaseFilter("all", late=True), TODAY + timedelta(days=1000))
        assert [(one.number, one.overdue) for one in overdue.items] == [(number, True)] and overdue.total == 1
        assert not (await list_cases(session, reviewer, CaseFilter(late=True), TODAY)).items
        # By hand: the environment's opinion is answered by nobody, so another is asked and the first taken back.
        await withdraw(session, reviewer, waiting[0].task_id, None, "改请厅办公室", at(9))
        again = Asked("opinion", "请提出意见", "land-hebei", TODAY, template="consult-environment")
        task = await ask(session, reviewer, number, None, again, at(9))
        await put_off(session, reviewer, task, None, TODAY + timedelta(days=3), "应其请求", at(9))
    async with transaction(engine) as session:
        await become(session, land)
        await answer(session, land, task, None, Answer("无意见", "conditions"), at(9))
    await step(engine, reviewer, number, "evaluate")
    await attach(engine, reviewer, number, "evaluation", b"rows,1\n", "evaluation.csv")
    await attach(engine, reviewer, number, "recognition", b"opinion", "recognition.txt")
    with pytest.raises(NotAllowed):
        await step(engine, reviewer, number, "recognise")
    await step(engine, supervisor, number, "recognise")
    kinds = [one.kind for one in (await read(engine, reviewer, number)).decisions]
    assert kinds == ["halt", "recognise"]
    with pytest.raises(StepNotReady, match="open_tasks 2"):
        await step(engine, supervisor, number, "close")
    async with transaction(engine) as session:
        await become(session, reviewer)
        for one in (await read(engine, reviewer, number)).tasks:
            if one.state == "open":
                await withdraw(session, reviewer, one.task_id, one.version, "已补办", at(9))
    await step(engine, supervisor, number, "close")
    await step(engine, supervisor, number, "reopen")
    await step(engine, reviewer, number, "close-unfounded")
    file = await read(engine, reviewer, number)
    assert (file.state, file.outcome, file.due) == ("closed", "unfounded", None)
    assert len([one for one in file.events if one.kind == "moved"]) == 8
    written = await value(engine, "SELECT count(*) FROM audit_entries WHERE subject = :number", number=number)
    assert written == len(file.events)
    async with transaction(engine) as session:
        await become(session, reviewer)
        assert [one.number for one in await cases_of_project(session, reviewer, project, TODAY)] == [number]
        found = await list_cases(session, reviewer, CaseFilter("all", q=number[-4:]), TODAY)
        assert [one.number for one in found.items] == [number]
        assert (await list_cases(session, reviewer, CaseFilter("all", q="%"), TODAY)).items == []
    async with transaction(engine) as session:
        await become(session, PUBLIC)
        assert (await list_cases(session, PUBLIC, CaseFilter("all"), TODAY)).items == []


async def test_built_capacity_has_its_plan_published_filed_and_returned(engine: AsyncEngine) -> None:
    fingerprint, _project = await world(engine)
    reviewer = await somebody(engine, "ndrc-hebei", *REVIEWER)
    number = await opened(engine, reviewer, path="3-2", findings=(fingerprint,))
    await step(engine, reviewer, number, "clean-up")
    for turn, name in enumerate(("plan.txt", "plan2.txt")):
        await attach(engine, reviewer, number, "plan", name.encode(), name)
        for one in ("adopt-plan", "publish-plan", "file-plan"):
            await step(engine, reviewer, number, one)
        days = "SELECT concat(decided, ' ', published, ' ', filed) FROM rectifications "
        known = "WHERE reference = :r AND known_to = 'infinity'"
        plan = f"case:{number}:plan-{turn + 1}"
        assert await value(engine, days + known, r=plan) == " ".join([str(TODAY)] * 3)
        file = await read(engine, reviewer, number)
        # Only offices that there are were asked; the trail says of which there is none.
        assert {one.content["template"] for one in file.events if one.kind == "no_office"} == {
            "file-land",
            "file-environment",
        }
        if not turn:
            await step(engine, reviewer, number, "return-plan")
    file = await read(engine, reviewer, number)
    assert next(one for one in file.next_steps if one.step == "carry-out-plan").missing
    assert len({one.reference for one in file.decisions}) == 2


async def test_cases_are_merged_split_handed_on_and_two_who_edit_do_not_overwrite_each_other(
    engine: AsyncEngine,
) -> None:
    grants = [record(f"L{month}", "land_grant", f"2014-0{month}-01") for month in (2, 3, 4)]
    await keep(engine, scenario(grants))
    await nation(engine, at(1))
    fingerprints = [one["fingerprint"] for one in await findings(engine)]
    reviewer = await somebody(engine, "ndrc-hebei", *REVIEWER)
    colleague = await somebody(engine, "ndrc-hebei", *REVIEWER)
    elsewhere = await somebody(engine, "land-jiangsu", *REVIEWER, region="320000", lanes="land")
    first = await opened(engine, reviewer, findings=tuple(fingerprints[:1]))
    second = await opened(engine, reviewer, title="示例乙项目")
    with pytest.raises(NotFound):
        await read(engine, elsewhere, first)
    version = (await read(engine, reviewer, first)).version

    async def assigning(to: Viewer) -> None:
        async with transaction(engine) as session:
            await become(session, reviewer)
            await assign(session, reviewer, [first], to.account_id, at(9), version=version)

    # Both saw the same version at the same time: one wins, the other is told.
    ended = await asyncio.gather(assigning(reviewer), assigning(colleague), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["ChangedMeanwhile", "NoneType"]
    async with transaction(engine) as session:
        await become(session, reviewer)
        await assign(session, reviewer, [first, second], colleague.account_id, at(9))
        await add_note(session, reviewer, first, "已电话核实", at(9))
        await ask(session, reviewer, first, None, Asked("task", "现场核查", "ndrc-hebei", TODAY), at(9))
        await merge(session, reviewer, first, second, "同一项目", at(9))
    merged, target = await read(engine, reviewer, first), await read(engine, reviewer, second)
    assert (merged.state, merged.merged_into_number, merged.findings) == ("merged", second, [])
    assert (target.merged_numbers, [one.body for one in target.notes]) == ([first], ["已电话核实"])
    assert [one.title for one in target.tasks if one.state == "open"] == ["现场核查"]
    with pytest.raises(Conflict):
        await step(engine, reviewer, first, "halt")
    async with transaction(engine) as session:
        await become(session, reviewer)
        (kept,) = [one.subject_row for one in target.findings]
        assert kept is not None
        with pytest.raises(BadInput):  # nothing would stay
            await split(session, reviewer, second, None, Splitting((kept,), "另案", "另一事"), at(9))
    pair = await opened(engine, reviewer, findings=tuple(fingerprints[1:3]))
    rows = [one.subject_row for one in (await read(engine, reviewer, pair)).findings]
    async with transaction(engine) as session:
        await become(session, reviewer)
        part = await split(session, reviewer, pair, None, Splitting((rows[0] or 0,), "另案", "另一事"), at(9))
    assert [len((await read(engine, reviewer, one)).findings) for one in (pair, part)] == [1, 1]
    assert (await read(engine, reviewer, part)).split_from_number == pair
    async with transaction(engine) as session:
        await become(session, reviewer)
        await hand_on(session, reviewer, second, target.version, "land-jiangsu", "属其职责", at(9))
    assert (await read(engine, elsewhere, second)).works
    assert not (await read(engine, reviewer, second)).works  # and still reads it
    with pytest.raises(NotAllowed):
        await step(engine, reviewer, second, "halt")


def _pdf(*, script: bool) -> bytes:
    document, out = pikepdf.new(), io.BytesIO()
    document.add_blank_page()
    document.docinfo["/Author"] = "示例作者"
    if script:
        document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    document.save(out)
    return out.getvalue()


def _picture() -> bytes:
    exif, out = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Model] = "EXAMPLE"
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (39.0, 30.0, 0.0), 3: "E", 4: (118.0, 15.0, 0.0)}
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def _office(*parts: str) -> bytes:
    out = io.BytesIO()
    core = '<p xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>示例</dc:creator></p>'
    with zipfile.ZipFile(out, "w") as archive:
        for part in ("[Content_Types].xml", "word/document.xml", *parts):
            archive.writestr(part, "<x/>")
        archive.writestr("docProps/core.xml", core)
    return out.getvalue()


def test_a_file_is_told_by_its_bytes_and_what_it_says_of_its_making_is_shown() -> None:
    def told(name: str, content: bytes) -> dict[str, object]:
        return look_into(name, content, most_bytes=2**20).told_within

    assert told("a.pdf", _pdf(script=False))["author"] == "示例作者"
    assert told("a.jpg", _picture()) | {"pixels": ""} == {
        "pixels": "",
        "model": "EXAMPLE",
        "place": "39.50000, 118.25000",
    }
    assert told("a.docx", _office()) == {"creator": "示例"}
    assert look_into("a.csv", "编号,名称".encode("gb18030"), most_bytes=99).media_type == "text/csv"
    for name, content in (
        ("a.pdf", _pdf(script=True)),
        ("a.pdf", _pdf(script=False)[:200]),
        ("a.pdf", _picture()),  # an ending that lies
        ("a.docx", _office("word/vbaProject.bin")),
        ("a.exe", b"MZ\x90\x00" + bytes(100)),
        ("a.txt", b"\x7fELF" + bytes(100)),
        ("a.txt", b"MZ this is a program"),
        ("a.txt", b"<html><script>alert(1)</script>"),
        ("a.zip", b"PK\x03\x04" + bytes(30)),
        ("a.txt", b""),
        ("a.txt", bytes(2**20 + 1)),
    ):
        with pytest.raises(BadFile):
            told(name, content)
    assert plain_name('..\\..\\报"告\u202e\n.pdf') == "报告.pdf"


async def test_a_file_keeps_its_digest_and_reading_it_leaves_a_trace(engine: AsyncEngine) -> None:
    fingerprint, _project = await world(engine)
    reviewer = await somebody(engine, "ndrc-hebei", *REVIEWER)
    number = await opened(engine, reviewer, findings=(fingerprint,))
    one = await attach(engine, reviewer, number, "evidence", b"seen", "seen.txt")
    with pytest.raises(Conflict):
        await attach(engine, reviewer, number, "evidence", b"seen", "again.txt")
    async with transaction(engine) as session:
        await become(session, reviewer)
        assert (await read_file(session, reviewer, number, one))["content"] == b"seen"
    (kept,) = (await read(engine, reviewer, number)).files
    assert kept.sha256 == hashlib.sha256(b"seen").hexdigest()
    assert await value(engine, "SELECT count(*) FROM audit_entries WHERE action = 'case.read_file'") == 1
    with pytest.raises(Exception, match="never changed nor deleted"):
        await value(engine, "UPDATE case_files SET name = 'x' RETURNING 1")


async def test_deadlines_are_told_once_each_and_go_up_to_the_office_above(engine: AsyncEngine) -> None:
    fingerprint, _project = await world(engine)
    reviewer = await somebody(engine, "ndrc-hebei", *REVIEWER)
    leaving = await somebody(engine, "ndrc-hebei", *REVIEWER)
    for office, region in (("ndrc-hebei", "130000"), ("ndrc", "000000")):
        await somebody(engine, office, region=region)
        await value(engine, "UPDATE organisations SET agency_id = 'ndrc' WHERE id = :id RETURNING 1", id=office)
    number = await opened(engine, reviewer, findings=(fingerprint,))
    async with transaction(engine) as session:
        await become(session, reviewer)
        await ask(session, reviewer, number, None, Asked("task", "现场核查", "ndrc-hebei", TODAY), at(9))
        await assign(session, reviewer, [number], leaving.account_id, at(9))
    told = []
    for when in (at(9), at(10), at(9, day=2), at(9, day=12), at(9, day=13), at(9, day=30)):
        async with transaction(engine) as session:
            done = await remind(session, when)
        told.append((done.near, done.over, done.escalated))
    assert told == [(1, 0, 0), (0, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0), (0, 0, 1)]
    kinds = [one.kind for one in (await read(engine, reviewer, number)).events]
    assert [kinds.count(one) for one in ("due_soon", "overdue", "escalated")] == [2, 1, 2]
    above = await value(
        engine,
        "SELECT count(*) FROM announcements WHERE kind = 'case.task.overdue' AND organisation_id = 'ndrc'",
    )
    assert above == 2
    assert "ndrc" in await value(engine, "SELECT organisations FROM cases WHERE number = :number", number=number)
    # Who leaves hands on what is open in their name; who runs the accounts reads no case for it.
    runner = Viewer("person", 1, organisation_id="ndrc", region="000000", permissions=frozenset({"accounts"}))
    nothing = dict.fromkeys(OPEN_WORK, 0)
    async with transaction(engine) as session:
        await become(session, runner)
        assert await open_work(session, leaving.account_id or 0) == {**nothing, "cases": 1}
        await hand_over(session, leaving.account_id or 0, reviewer.account_id or 0)
        assert await open_work(session, leaving.account_id or 0) == nothing
    assert (await read(engine, reviewer, number)).owner_id == reviewer.account_id


async def test_alerts_are_in_one_case_at_a_time_end_with_it_and_come_back_with_it(engine: AsyncEngine) -> None:
    fingerprint, project = await world(engine)
    reviewer = await somebody(engine, "ndrc-hebei", *REVIEWER)
    supervisor = await somebody(engine, "ndrc-hebei", *SUPERVISOR)
    alert = await value(
        engine,
        "INSERT INTO alerts (topic, rule, lane, severity, project_id, region, organisation_id, opened_at, changed_at) "
        "VALUES (concat('project:', CAST(:project AS text)), 'land-without-approval', 'land', 'violation', "
        ":project_id, '130200', 'ndrc-hebei', now(), now()) RETURNING id",
        project=str(project),
        project_id=project,
    )
    await value(
        engine,
        "INSERT INTO alert_findings (fingerprint, episode, alert_id, severity, added_at) "
        "VALUES (:fingerprint, 1, :alert, 'violation', now()) RETURNING 1",
        fingerprint=fingerprint,
        alert=alert,
    )
    async with transaction(engine) as session:
        await become(session, reviewer)
        assert [one.alert_id for one in (await desk(session, reviewer, "mine", TODAY)).alerts] == [alert]
    with pytest.raises(NotFound):  # another desk's
        await opened(engine, await somebody(engine, "land-hebei", *REVIEWER, lanes="land"), alerts=(alert,))
    number = await opened(engine, reviewer, alerts=(alert,))
    with pytest.raises(Conflict):
        await opened(engine, reviewer, alerts=(alert,))
    file = await read(engine, reviewer, number)
    assert (file.origin, file.project_id, file.region) == ("alert", project, "130200")
    assert ([one.alert_id for one in file.alerts], [one.fingerprint for one in file.findings]) == (
        [alert],
        [fingerprint],
    )

    async def stands() -> str:
        return str(await value(engine, "SELECT concat(state, ' ', closed_reason) FROM alerts WHERE id = :id", id=alert))

    assert await stands() == "in_case "
    async with transaction(engine) as session:
        await become(session, reviewer)
        assert (await desk(session, reviewer, "desk", TODAY)).alerts == []
        assert await case_of_alert(session, alert) == number
    await step(engine, reviewer, number, "close-unfounded")
    assert await stands() == "closed case-closed"
    await step(engine, supervisor, number, "reopen")
    assert await stands() == "in_case "
    told = await value(engine, "SELECT array_agg(kind ORDER BY id) FROM alert_events WHERE alert_id = :id", id=alert)
    assert told == ["in_case", "closed", "in_case"]
