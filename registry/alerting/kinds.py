"""The kinds of events that people are told of, in their words: what a mail's subject and a feed's title begin with."""

from dataclasses import dataclass
from typing import Final

from registry.roles import Permission


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its words; who of a desk is told where nobody is named; whether at once even instead of in a digest."""

    zh: str
    en: str
    urgent: bool = False
    permission: Permission = "decide"


KINDS: Final[dict[str, Kind]] = {
    "alert.opened": Kind("新警报", "New alert"),
    "alert.raised": Kind("警报升为违规", "An alert became a violation"),
    "alert.escalated": Kind("警报逾期未签收，已上报", "An alert was not acknowledged in time", urgent=True),
    "alert.returned": Kind("搁置或静默的警报到期", "A snooze or silence has ended"),
    "alert.routed": Kind("警报转来本处", "An alert came to this desk"),
    "alert.closed": Kind("警报已了结", "An alert was closed"),
    "case.opened": Kind("新案件", "New case"),
    "case.stage": Kind("案件进入新环节", "A case reached a new stage"),
    "case.closed": Kind("案件已办结", "A case was closed"),
    "case.task.assigned": Kind("新任务", "New task"),
    "case.task.due": Kind("任务即将到期", "A task is due soon"),
    "case.task.overdue": Kind("任务已逾期", "A task is overdue", urgent=True),
    "case.task.answered": Kind("任务已答复", "A task was answered"),
    "opinion.requested": Kind("征求意见", "An opinion is asked for"),
    "opinion.answered": Kind("意见已答复", "An opinion was given"),
    "gate.standing_lost": Kind(
        "准许过的项目不再合规", "A project that was allowed has lost its standing", urgent=True, permission="gate"
    ),
    "gate.standing_regained": Kind("项目恢复合规", "A project has its standing again", permission="gate"),
    "publication.awaits_approval": Kind("公示待批准", "A publication awaits the second person", permission="approve"),
    "publication.objection": Kind("收到异议", "An objection came in", permission="publish"),
    "publication.published": Kind("已公布", "Published", permission="publish"),
    "publication.corrected": Kind("公布内容已更正", "A publication was corrected", permission="publish"),
    "publication.withdrawn": Kind("公布内容已撤回", "A publication was withdrawn", permission="publish"),
    "publication.appeal": Kind("收到申诉", "An appeal came in", permission="publish"),
    "mail.returned": Kind("有人的邮件被退回", "Somebody's mail comes back", permission="accounts"),
    # Only that something waits, never what: a mail passes through many hands.
    "tip.waits": Kind("有举报待登记", "A report waits"),
    "tip.reseal": Kind("有密钥停用，在办的举报请重新封存", "A key ended: seal the reports under way again"),
    "tip.due": Kind("举报答复期限将到或已过", "A report's answer is due", urgent=True),
}
