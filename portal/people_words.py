"""Words for roles, scopes and kinds of organisations and sign-ins."""

from typing import Final

from portal.language import N_, _

ROLES: Final[dict[str, str]] = {
    "reader": N_("查阅人员"),
    "officer": N_("登记人员"),
    "reviewer": N_("核查人员"),
    "supervisor": N_("复核人员"),
    "publisher": N_("公示人员"),
    "administrator": N_("管理员"),
    "auditor": N_("审计人员"),
}
SCOPES: Final[dict[str, str]] = {
    "read": N_("读取（各部门可见的内容）"),
    "write": N_("登记和更正"),
    "credit": N_("授信明细"),
    "gate": N_("办理前查询闸门"),
    "operate": N_("运行维护"),
}
KINDS: Final[dict[str, str]] = {"agency": N_("机关"), "bank": N_("银行")}
LANES: Final[dict[str, str]] = {
    "land": N_("用地"),
    "environment": N_("环境"),
    "credit": N_("信贷"),
    "quality": N_("质量"),
    "price": N_("价格"),
    "approval": N_("审批"),
}
METHODS: Final[dict[str, str]] = {
    "password": N_("密码"),
    "provider": N_("统一身份认证"),
    "demo": N_("演示"),
}
STATES: Final[dict[str, str]] = {"invited": N_("尚未登录"), "active": N_("在用"), "ended": N_("已停用")}


def said(words: dict[str, str], code: str) -> str:
    """The word for a code in the current language; an unknown code stays as it is."""
    return _(words[code]) if code in words else code


def options(words: dict[str, str]) -> list[tuple[str, str]]:
    """Codes with their words, for a list to choose from."""
    return [(code, _(word)) for code, word in words.items()]
