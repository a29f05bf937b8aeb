"""Words of cases: where they come from, how they stand, what is missing for a step, and each line of the trail."""

from typing import Any, Final

from portal.language import N_, _, current_language
from portal.review_words import options, said
from registry.cases.case_file import CaseEventLine, NextStep
from registry.cases.stages import Titled, stages

__all__ = ["options", "said"]

ORIGINS: Final[dict[str, str]] = {
    "alert": N_("警报"),
    "tip": N_("举报"),
    "suspected": N_("疑似项目"),
    "hand": N_("工作人员立案"),
    "split": N_("由另一案件分出"),
}
STATES: Final[dict[str, str]] = {
    "open": N_("办理中"),
    "closed": N_("已办结"),
    "merged": N_("已并案"),
    "all": N_("全部"),
}
WHOSE: Final[dict[str, str]] = {"mine": N_("由我办理"), "desk": N_("由本机关办理"), "asked": N_("本机关有任务")}
TASK_KINDS: Final[dict[str, str]] = {"task": N_("任务"), "opinion": N_("征求意见")}
TASK_STATES: Final[dict[str, str]] = {
    "open": N_("待答复"),
    "done": N_("已答复"),
    "declined": N_("退回：不属本机关职责"),
    "withdrawn": N_("已收回"),
}
POSITIONS: Final[dict[str, str]] = {"agree": N_("同意"), "conditions": N_("附条件同意"), "disagree": N_("不同意")}
DISPOSITIONS: Final[dict[str, str]] = {
    "forbid_start": N_("不得开工建设"),
    "halt": N_("停建"),
    "recognise": N_("予以认定"),
    "not_recognise": N_("不予认定，不得续建"),
    "concealed": N_("隐瞒不报，查实停建"),
}
# What a file says of its making.
WITHIN: Final[dict[str, str]] = {
    "author": N_("作者"),
    "creator": N_("创建者"),
    "lastmodifiedby": N_("最后修改者"),
    "company": N_("单位"),
    "application": N_("程序"),
    "producer": N_("程序"),
    "software": N_("程序"),
    "title": N_("标题"),
    "created": N_("创建时间"),
    "modified": N_("修改时间"),
    "creationdate": N_("创建时间"),
    "moddate": N_("修改时间"),
    "taken": N_("拍摄时间"),
    "make": N_("相机厂商"),
    "model": N_("相机型号"),
    "place": N_("拍摄地点（纬度、经度）"),
    "pixels": N_("像素"),
    "pages": N_("页数"),
}


def titled(one: Titled | None, code: str = "") -> str:
    """What something of stages.yml is called in the current language."""
    if one is None:
        return code
    return one.title_zh if current_language() == "zh" else one.title_en


def stage(code: str) -> str:
    """A stage in words."""
    return titled(stages().stages.get(code), code)


def step(code: str) -> str:
    """A step in words."""
    return titled(stages().transitions.get(code), code)


def path(code: str) -> str:
    """A path in words."""
    return titled(next((one for key, one in stages().paths.items() if key == code), None), code)


def paths() -> list[tuple[str, str]]:
    """All paths, to choose from."""
    return [(code, titled(one)) for code, one in stages().paths.items()]


def file_kinds() -> list[tuple[str, str]]:
    """All kinds of files, to choose from."""
    return [(code, titled(one)) for code, one in stages().files.items()]


def templates(of_path: str) -> list[tuple[str, str]]:
    """The tasks that the steps of a path give, to choose from."""
    named = {name for one in stages().transitions.values() if of_path in one.paths for name in one.tasks}
    return [(code, titled(one)) for code, one in stages().tasks.items() if code in named]


def missing(one: dict[str, str]) -> str:
    """What a step still waits for, as a sentence."""
    name = one["zh"] if current_language() == "zh" else one["en"]
    if one["kind"] == "file":
        return _("缺少文件：{name}", name=name)
    if one["kind"] == "answer":
        return _("尚未答复：{name}", name=name)
    if one["kind"] == "open_tasks":
        return _("还有 {count} 项任务没有答复或收回", count=one["name"])
    return _("处理结果要记入项目档案：须先登记项目，并在下面指明")


def citation(one: dict[str, Any]) -> str:
    """The clause that a step or task rests on."""
    if not one:
        return ""
    if current_language() == "zh":
        return f"{one['document_zh']} {one['clause_zh']}"
    return f"{one['document_en']} {one['clause_en']}"


def next_step_warning(one: NextStep) -> str:
    """What a step brings about beyond the stage."""
    return said(DISPOSITIONS, one.disposition)


def event(one: CaseEventLine) -> str:
    """A line of the trail as a sentence."""
    told = one.content
    if one.kind == "opened":
        return _("立案（{path}，{origin}）", path=path(str(told.get("path"))), origin=said(ORIGINS, told.get("origin")))
    if one.kind == "moved":
        return _("{step}，进入“{stage}”", step=step(str(told.get("step"))), stage=stage(str(told.get("to"))))
    if one.kind == "no_office":
        task = titled(stages().tasks.get(str(told.get("template"))), str(told.get("template")))
        return _("没有登记可承担“{task}”的机关，请另行指派", task=task)
    sentence = _EVENTS.get(one.kind)
    if sentence is None:
        return one.kind
    return _(sentence).format(
        title=told.get("title") or told.get("name") or "",
        to=told.get("to_name") or told.get("to") or told.get("into") or told.get("project") or _("无"),
        origin=told.get("from") or "",
        due=told.get("due") or "",
        state=said(TASK_STATES, told.get("state")),
        days=told.get("days") or "",
    )


_EVENTS: Final[dict[str, str]] = {
    "asked": N_("交办或征求意见：{title}（{to}，期限 {due}）"),
    "answered": N_("{state}：{title}"),
    "withdrawn": N_("收回：{title}"),
    "put_off": N_("改期至 {due}：{title}"),
    "deadline": N_("本环节期限改为 {due}"),
    "assigned": N_("承办人：{to}"),
    "task_assigned": N_("任务“{title}”由 {to} 办理"),
    "note": N_("加了一条备注"),
    "file": N_("附上文件：{title}"),
    "merged": N_("并入案件 {to}"),
    "took_over": N_("并入了案件 {origin}"),
    "split": N_("分出案件 {to}"),
    "handed_on": N_("移交 {to} 办理"),
    "project": N_("指明登记项目 {to}"),
    "due_soon": N_("提醒：期限 {due} 将到（{title}）"),
    "overdue": N_("逾期：期限 {due} 已过（{title}）"),
    "escalated": N_("逾期上报 {to}：期限 {due}（{title}）"),
}
