"""The columns of a project file: their names in Chinese and English, and the words their cells may hold."""

import re
import unicodedata
from datetime import date
from typing import Final

# field -> (heading in Chinese, in English, further headings). The first heading is the one of the template.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "reference": ("登记编号", "reference", "项目编号"),
    "code": ("项目代码", "code", "project_code", "项目统一代码", "投资项目代码"),
    "earlier_codes": ("曾用代码", "earlier_codes", "原项目代码"),
    "name": ("项目名称", "name", "project_name"),
    "name_en": ("英文名称", "name_en"),
    "owner": ("单位登记编号", "owner"),
    "owner_uscc": ("统一社会信用代码", "owner_uscc", "uscc", "单位信用代码"),
    "owner_name": ("项目单位", "owner_name", "单位名称", "建设单位", "企业名称"),
    "sector": ("产业", "sector", "行业", "所属行业"),
    "industry": ("行业代码", "industry", "国民经济行业代码"),
    "industry_edition": ("行业分类版本", "industry_edition"),
    "region": ("区划代码", "region", "行政区划代码", "行政区划"),
    "address": ("建设地点", "address", "地址", "详细地址"),
    "longitude": ("经度", "longitude"),
    "latitude": ("纬度", "latitude"),
    "nature": ("建设性质", "nature"),
    "asks_land": ("是否新增用地", "asks_land"),
    "stage": ("阶段", "stage", "项目阶段", "建设阶段", "项目状态"),
    "held_from": ("情况起始日期", "held_from"),
    "site.reference": ("厂址编号", "site_reference"),
    "site.name": ("厂址名称", "site_name"),
    "capacities.product": ("产品", "product"),
    "capacities.amount": ("产能", "capacity", "设计产能", "产能数量"),
    "capacities.unit": ("产能单位", "capacity_unit"),
    "capacities.process": ("工艺", "process"),
    "approvals.reference": ("批复编号", "approval_reference"),
    "approvals.kind": ("批复类型", "approval_kind"),
    "approvals.number": ("批复文号", "approval_number", "文号"),
    "approvals.authority": ("批复机关", "approval_authority", "审批机关"),
    "approvals.issued": ("批复日期", "approval_issued", "签发日期"),
    "approvals.expires": ("有效期至", "approval_expires"),
    "approvals.revoked": ("撤销日期", "approval_revoked"),
    "approvals.revoked_reason": ("撤销原因", "approval_revoked_reason"),
    "equipment.reference": ("设备编号", "equipment_reference"),
    "equipment.class": ("设备类别", "equipment_class"),
    "equipment.size": ("设备规格", "equipment_size"),
    "equipment.unit": ("规格单位", "equipment_unit"),
    "equipment.commissioned": ("设备投产日期", "equipment_commissioned"),
    "equipment.dismantled": ("设备拆除日期", "equipment_dismantled"),
    "equipment.last_ran": ("设备最后运行日期", "equipment_last_ran"),
}
DATES: Final = frozenset(
    field
    for field in COLUMNS
    if field.endswith((".issued", ".expires", ".revoked", ".commissioned", ".dismantled", ".last_ran", "held_from"))
)
# Long codes, which spreadsheets turn into numbers.
CODES: Final = frozenset({"code", "earlier_codes", "owner_uscc", "reference", "owner"})
NUMBERS: Final = frozenset({"capacities.amount", "equipment.size", "longitude", "latitude"})

WORDS: Final[dict[str, dict[str, str]]] = {
    "sector": {
        **dict.fromkeys(("钢铁", "炼钢", "炼铁"), "steel"),
        "水泥": "cement",
        **dict.fromkeys(("电解铝", "铝"), "aluminium"),
        **dict.fromkeys(("平板玻璃", "玻璃"), "glass"),
        **dict.fromkeys(("船舶", "造船"), "ships"),
        "其他": "other",
    },
    "nature": {
        "新建": "new_build",
        "扩建": "expansion",
        **dict.fromkeys(("改建", "技改", "技术改造", "改造"), "renovation"),
        **dict.fromkeys(("迁建", "搬迁"), "relocation"),
    },
    "stage": {
        **dict.fromkeys(("拟建", "公布", "前期"), "announced"),
        **dict.fromkeys(("在建", "建设"), "construction"),
        **dict.fromkeys(("在产", "投产", "运行"), "operating"),
        "待退出": "pre_retirement",
        **dict.fromkeys(("停产", "封存"), "mothballed"),
        **dict.fromkeys(("退出", "拆除", "关停"), "retired"),
        **dict.fromkeys(("取消", "终止"), "cancelled"),
    },
    "approvals.kind": {"审批": "approval", "核准": "verification", "备案": "filing"},
    "asks_land": {"是": "true", "否": "false", "yes": "true", "no": "false"},
    "capacities.product": {
        **dict.fromkeys(("粗钢", "钢"), "crude_steel"),
        **dict.fromkeys(("生铁", "铁", "铁水"), "pig_iron"),
        **dict.fromkeys(("钢材", "轧材"), "rolled_steel"),
        **dict.fromkeys(("熟料", "水泥熟料"), "clinker"),
        "水泥": "cement",
        **dict.fromkeys(("电解铝", "铝"), "aluminium"),
        "平板玻璃": "flat_glass",
        "船舶": "ships",
    },
    "equipment.class": {
        "高炉": "blast_furnace",
        "转炉": "converter",
        "电炉": "electric_furnace",
        "电解槽": "aluminium_pot",
        "焦炉": "coke_oven",
        "机立窑": "shaft_kiln",
        "水泥磨": "cement_mill",
    },
    "equipment.unit": {"立方米": "m3", "m³": "m3", "吨": "t", "米": "m", "千安": "kA", "千伏安": "kVA"},
}
# unit as written -> (unit of the register, factor)
UNITS: Final[dict[str, tuple[str, int]]] = {
    **dict.fromkeys(("吨/年", "吨", "t/a"), ("t/a", 1)),
    **dict.fromkeys(("万吨/年", "万吨", "万t/a", "10kt/a"), ("t/a", 10_000)),
    **dict.fromkeys(("重量箱/年", "重量箱", "weight_case/a"), ("weight_case/a", 1)),
    **dict.fromkeys(("万重量箱/年", "万重量箱"), ("weight_case/a", 10_000)),
    **dict.fromkeys(("载重吨/年", "载重吨", "dwt/a"), ("dwt/a", 1)),
    **dict.fromkeys(("万载重吨/年", "万载重吨"), ("dwt/a", 10_000)),
}

_DAY: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")
_EIGHT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")


def heading_key(heading: str) -> str:
    """A heading for looking up: plain widths, small letters, without spaces, stars and bracketed hints."""
    plain = unicodedata.normalize("NFKC", heading).lower()
    return re.sub(r"\(.*?\)|[\s*:：]", "", plain).replace("-", "_")


HEADINGS: Final[dict[str, str]] = {
    heading_key(heading): field for field, headings in COLUMNS.items() for heading in headings
}


def plain_date(text: str) -> str:
    """A date as officials write it in ISO form; what is no date stays as it is, for the model to refuse."""
    match = _DAY.fullmatch(text) or _EIGHT.fullmatch(text)
    if match is None:
        return text
    try:
        return date(*(int(part) for part in match.groups())).isoformat()
    except ValueError:
        return text


def plain_number(text: str) -> str:
    """A number without the commas and spaces that group its digits."""
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    return plain.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", plain) else plain
