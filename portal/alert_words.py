"""The words of alerts: states, steps of the trail, how people are told, what went wrong on the way."""

from typing import Final

from portal.language import N_, _, current_language
from registry.alerting.kinds import KINDS
from registry.alerting.wording import problem_words

STATES: Final = {
    "open": N_("待签收"),
    "acknowledged": N_("已签收"),
    "in_case": N_("已立案"),
    "closed": N_("已了结"),
}
SEVERITIES: Final = {"violation": N_("违规"), "warning": N_("提示")}
DESKS: Final = {"mine": N_("本处的"), "all": N_("我能看到的全部"), "none": N_("没有主管机关的")}
ASLEEP: Final = {"no": N_("未搁置"), "yes": N_("搁置或静默中")}
CLOSED: Final = {
    "findings-closed": N_("疑点均已消除"),
    "dismissed": N_("经人工认定不成立"),
    "moved": N_("疑点归到别处"),
    "case-closed": N_("所在案件已办结"),
}
ROUTED: Final = {
    "region": N_("按职责和地区"),
    "national": N_("当地没有该机关，转全国一级"),
    "lane": N_("该机关未设机构，转同一环节的机关"),
    "none": N_("没有可转的机关"),
}
STEPS: Final = {
    "opened": N_("发现"),
    "raised": N_("升为违规"),
    "closed": N_("了结"),
    "in_case": N_("立案"),
    "routed": N_("转到主管机关"),
    "escalated": N_("逾期未签收，上报"),
    "returned": N_("搁置或静默到期"),
    "acknowledge": N_("签收"),
    "reopen": N_("撤回签收"),
    "snooze": N_("搁置"),
    "wake": N_("取消搁置"),
    "silence": N_("静默"),
    "lift": N_("解除静默"),
}
CHANNELS: Final = {"mail": N_("邮件"), "webhook": N_("推送")}
MODES: Final = {
    "immediate": N_("随时"),
    "hourly": N_("工作时间每小时一次"),
    "daily": N_("每个工作日早上一次"),
    "off": N_("不发邮件"),
}
DELIVERED: Final = {
    "pending": N_("待发"),
    "sent": N_("已送达"),
    "given_up": N_("已放弃"),
    "dropped": N_("不再发"),
}
WEBHOOK_STATES: Final = {
    "active": N_("使用中"),
    "paused": N_("已暂停"),
    "disabled": N_("屡次失败，已停用"),
}


def said(words: dict[str, str], code: str) -> str:
    """A word of a table, or the code where there is none."""
    return _(words[code]) if code in words else code


def options(words: dict[str, str]) -> list[tuple[str, str]]:
    """(code, word) of a table."""
    return [(code, _(text)) for code, text in words.items()]


def kind_words(kind: str) -> str:
    """What kind of event it is."""
    found = KINDS.get(kind)
    if found is None:
        return kind
    return found.en if current_language() == "en" else found.zh


def kind_options() -> list[tuple[str, str]]:
    """Every kind of event."""
    return [(name, kind_words(name)) for name in KINDS]


def problem(word: str) -> str:
    """Why something was not sent."""
    return problem_words(word, current_language())
