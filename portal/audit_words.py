"""The words of the audit: what an action is called, and before and after as a list of differences."""

from typing import Any, Final

from portal.language import N_, _

# The verbs and the things of actions ("project.correct"); what is not here is shown as it is written.
VERBS: Final = {
    "accept": N_("接受"),
    "acknowledge": N_("签收"),
    "activate": N_("生效"),
    "add": N_("添加"),
    "anchor": N_("锚定"),
    "answer": N_("答复"),
    "appeal": N_("收到申诉"),
    "approve": N_("批准"),
    "ask": N_("交办或征求意见"),
    "ask_withdrawal": N_("申请撤回"),
    "assign": N_("指派"),
    "assign_task": N_("指派任务"),
    "attach": N_("附上文件"),
    "back_up": N_("备份"),
    "begin": N_("开始"),
    "change": N_("变更"),
    "close": N_("办结"),
    "confirm": N_("核对确认"),
    "change_password": N_("更改密码"),
    "confirm_reply": N_("核对答复"),
    "correct": N_("更正"),
    "create": N_("建立"),
    "deadline": N_("改期"),
    "decide": N_("作出结论"),
    "delegate": N_("委托"),
    "draft": N_("起草"),
    "drop": N_("放弃"),
    "enable": N_("启用"),
    "end": N_("结束"),
    "examine": N_("开始核查"),
    "export": N_("导出"),
    "grant": N_("授予"),
    "hand_on": N_("移交"),
    "import": N_("导入"),
    "invite": N_("邀请"),
    "link": N_("关联"),
    "lift": N_("解除静默"),
    "link_identity": N_("关联身份"),
    "merge": N_("并案"),
    "move": N_("办理下一步"),
    "name_project": N_("指明项目"),
    "note": N_("加备注"),
    "objection": N_("收到异议"),
    "open": N_("立案"),
    "pause": N_("暂停"),
    "print": N_("打印"),
    "publish": N_("公布"),
    "put_off": N_("任务改期"),
    "read": N_("查阅"),
    "read_file": N_("查阅文件"),
    "refuse": N_("拒绝"),
    "register": N_("登记"),
    "release": N_("放行"),
    "remove": N_("删除"),
    "renew": N_("换新"),
    "returned": N_("退回"),
    "renew_recovery_codes": N_("换新恢复码"),
    "reopen": N_("重新打开"),
    "reply": N_("收到答复"),
    "reseal": N_("重新封存"),
    "reset": N_("重置"),
    "restore": N_("恢复备份"),
    "revise": N_("修改"),
    "revoke": N_("撤销"),
    "rotate": N_("更换"),
    "second": N_("第二意见"),
    "set_up_codes": N_("设置一次性验证码"),
    "show": N_("出示证据"),
    "silence": N_("静默"),
    "snooze": N_("搁置"),
    "split": N_("分案"),
    "state_purpose": N_("说明用途"),
    "submit": N_("提交"),
    "try": N_("测试"),
    "undo": N_("撤回结论"),
    "unlink": N_("取消关联"),
    "unlock": N_("解锁"),
    "verify": N_("核验"),
    "wake": N_("取消搁置"),
    "withdraw": N_("撤回"),
    "withdraw_task": N_("收回任务"),
}
THINGS: Final = {
    "mail": N_("邮件"),
    "tip": N_("举报"),
    "tip_desk": N_("举报受理"),
    "tip_key": N_("举报密钥"),
    "account": N_("账户"),
    "alert": N_("警报"),
    "approval": N_("批准文件"),
    "audit": N_("审计"),
    "case": N_("案件"),
    "case_task": N_("案件任务"),
    "credit": N_("信贷"),
    "dispositions": N_("处理意见"),
    "eliminations": N_("淘汰任务"),
    "enterprise": N_("企业"),
    "equipment": N_("设备"),
    "feed": N_("订阅"),
    "finding": N_("疑点"),
    "key": N_("密钥"),
    "law": N_("规则参数"),
    "notification": N_("通知方式"),
    "obligation": N_("逾期措施"),
    "orders": N_("关停决定"),
    "organisation": N_("机构"),
    "plans": N_("产能置换方案"),
    "project": N_("项目"),
    "proposal": N_("提案"),
    "publication": N_("公布事项"),
    "record": N_("部门记录"),
    "register": N_("登记库"),
    "rectifications": N_("整改方案"),
    "restrictions": N_("限批区域"),
    "review": N_("归属核查"),
    "role": N_("角色"),
    "search": N_("检索结果"),
    "sign_in": N_("登录"),
    "suspected": N_("疑似项目"),
    "suspected_dismiss": N_("排除疑似项目"),
    "suspected_merge": N_("合并疑似项目"),
    "suspected_split": N_("拆分疑似项目"),
    "suspected_register": N_("疑似项目认定为登记项目"),
    "sync_run": N_("读取任务"),
    "webhook": N_("推送网址"),
    # What `threegates facts import` reads.
}


def action_words(action: str) -> str:
    """An action in words: 更正项目, project: correct."""
    thing, _dot, verb = action.partition(".")
    if thing not in THINGS or verb not in VERBS:
        return action
    return _("{thing}：{verb}", thing=_(THINGS[thing]), verb=_(VERBS[verb]))


def thing_words(kind: str) -> str:
    """What kind of subject it is, in words."""
    return _(THINGS[kind]) if kind in THINGS else kind


def differences(before: Any, after: Any) -> list[tuple[str, str, str]]:
    """What differs between before and after: the name, what stood there, what stands there; "" where there is none."""
    old, new = _flat(before), _flat(after)
    names = list(dict.fromkeys([*old, *new]))
    return [(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name, "") != new.get(name, "")]


def _flat(value: Any, name: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for key, inner in value.items():
            found |= _flat(inner, f"{name}.{key}" if name else str(key))
        return found
    if isinstance(value, list):
        if any(isinstance(one, dict | list) for one in value):
            return _flat({str(number): one for number, one in enumerate(value, 1)}, name)
        return {name: _("、").join(map(str, value))}
    return {} if value is None else {name: str(value)}
