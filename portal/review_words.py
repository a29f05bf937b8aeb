"""Words of reviewing and of suspected projects: verdicts, reasons, disguises, what speaks for a pair, steps taken."""

from typing import Final

from portal.language import N_, _, current_language
from registry.link_words import FEATURES

VERDICTS: Final[dict[str, str]] = {
    "accept": N_("属于所选项目"),
    "reject": N_("不属于所列项目"),
    "new_project": N_("未登记的新项目"),
    "unsure": N_("拿不准"),
    "undo": N_("撤销"),
}
VERDICT_HINTS: Final[dict[str, str]] = {
    "accept": N_("记录关联到所选的一个或几个项目。"),
    "reject": N_("以后不再提出这些项目，由系统在其余项目中重新匹配。"),
    "new_project": N_("归入疑似项目，供现场核实。"),
    "unsure": N_("留在队列中，请别人看。"),
}
# verdict -> what is most often said; the first is taken where nothing is typed.
REASONS: Final[dict[str, tuple[str, ...]]] = {
    "accept": (N_("名称、单位和地点相符"), N_("单位曾用此名称"), N_("地块与规模相符")),
    "reject": (N_("名称相近，单位不同"), N_("地点不符"), N_("期次或规模不符")),
    "new_project": (N_("登记簿中没有此项目"), N_("属已登记企业的未登记项目")),
    "unsure": (N_("资料不足，须查原件"), N_("须向部门核实")),
    "undo": (N_("操作有误"), N_("又有新的资料")),
}
STATES: Final[dict[str, str]] = {
    "open": N_("待核查"),
    "second": N_("待第二意见"),
    "unsure": N_("拿不准的"),
    "decided": N_("已有结论"),
    "disguised": N_("名称有伪装迹象的"),
}
BANDS: Final[dict[str, str]] = {
    "likely": N_("很可能（80% 以上）"),
    "doubtful": N_("难说（40% 至 80%）"),
    "unlikely": N_("不大可能（40% 以下）"),
}
STAKES: Final[dict[str, str]] = {"yes": N_("须两人意见"), "no": N_("一人即可")}
# What the normaliser had to undo (registry.names).
SIGNALS: Final[dict[str, str]] = {
    "full_width": N_("全角字母或数字"),
    "compatibility": N_("兼容字符"),
    "invisible": N_("看不见的字符"),
    "combining": N_("叠加在字上的符号"),
    "radical": N_("以部首代字"),
    "traditional": N_("繁体字"),
    "look_alike": N_("形近字"),
    "bracket": N_("括号"),
    "space": N_("空格"),
    "punctuation": N_("标点"),
    "numeral": N_("数字写法"),
    "letter_case": N_("字母大小写"),
}
SUSPECT_STATES: Final[dict[str, str]] = {
    "open": N_("待查实"),
    "registered": N_("已登记"),
    "merged": N_("已合并"),
    "dismissed": N_("已排除"),
    "empty": N_("已无记录"),
}
STEPS: Final[dict[str, str]] = {
    "formed": N_("形成疑似项目"),
    "joined": N_("记录归入"),
    "left": N_("记录移出"),
    "open": N_("重新待查"),
    "registered": N_("认定为登记项目"),
    "merged": N_("并入其他疑似项目"),
    "dismissed": N_("排除"),
    "empty": N_("记录都已找到项目"),
}
# What ties a record to the others of a suspected project (evidence of its members).
TIES: Final[dict[str, str]] = {
    "party_uscc": N_("统一社会信用代码相同"),
    "party_name": N_("单位名称相符"),
    "project_name": N_("项目名称相符"),
    "project_code": N_("项目代码相同"),
    "address": N_("地址相同"),
    "region": N_("地区相同"),
    "reviewer": N_("核查人员认定"),
    "merged_from": N_("来自并入的疑似项目"),
    "split_from": N_("拆分自疑似项目"),
}
PROPOSALS: Final[dict[str, str]] = {
    "suspected_merge": N_("并入另一疑似项目"),
    "suspected_split": N_("拆分，另立一卷"),
    "suspected_register": N_("认定为登记项目"),
    "suspected_dismiss": N_("排除"),
}
PROPOSAL_STATES: Final[dict[str, str]] = {
    "open": N_("待批准"),
    "approved": N_("已批准"),
    "refused": N_("未批准"),
    "withdrawn": N_("已撤回"),
}


def said(words: dict[str, str], code: str | None) -> str:
    """The word for a code in the current language; an unknown code stays as it is."""
    return _(words[code]) if code in words else code or ""


def options(words: dict[str, str]) -> list[tuple[str, str]]:
    """Codes with their words, for a list to choose from."""
    return [(code, _(word)) for code, word in words.items()]


def feature_words(name: str) -> str:
    """What a feature of the linker's model says, in the current language."""
    if name not in FEATURES:
        return name
    chinese, english, _way = FEATURES[name]
    return chinese if current_language().startswith("zh") else english


def reasons(verdict: str) -> list[str]:
    """What is most often said for a verdict, in the current language."""
    return [_(text) for text in REASONS[verdict]]


def signals(codes: list[str]) -> str:
    """What was undone, in words."""
    return _("、").join(said(SIGNALS, code) for code in codes)
