"""The words of the three played agencies: canonical records translated into fields, elements and columns."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

Record = Mapping[str, Any]
CHINA: Final = timezone(timedelta(hours=8))

PRODUCTS: Final = {
    "crude_steel": "粗钢",
    "pig_iron": "生铁",
    "rolled_steel": "钢材",
    "clinker": "水泥熟料",
    "cement": "水泥",
    "aluminium": "电解铝",
    "flat_glass": "平板玻璃",
    "ships": "船舶",
}
PROCESSES: Final = {"pre-baked pots": "预焙槽", "self-baking pots": "自焙槽"}
TEN_THOUSANDS: Final = {"t/a": "万吨/年", "weight_case/a": "万重量箱/年", "dwt/a": "万载重吨/年"}

LAND_ACTS: Final = {
    "land_grant": "土地供应",
    "land_pre_review": "用地预审",
    "sea_area_grant": "海域使用",
    "shoreline_grant": "岸线使用",
}
LAND_KINDS: Final = {
    "allocated": "划拨",
    "granted": "出让",
    "tender": "招标出让",
    "auction": "拍卖出让",
    "listing": "挂牌出让",
    "agreement": "协议出让",
    "lease": "租赁",
    "contribution": "作价出资",
}
LAND_DETAILS: Final = {
    "region_name": "xzqFullName",
    "parcel": "zdBh",
    "real_property_unit": "bdcDyh",
    "use": "tdYt",
    "source_of_land": "tdLy",
    "grade": "tdJb",
    "agreed_delivery": "jdSj",
    "agreed_start": "dgSj",
    "agreed_completion": "jgSj",
    "contract_number": "bh",
    "shoreline_metres": "axCd",
}
ENVIRONMENT_ACTS: Final = {
    "eia_approval": "环评批复",
    "energy_assessment": "节能审查",
    "discharge_permit": "排污许可",
    "production_licence": "生产许可",
    "safety_permit": "安全生产许可",
}
ENVIRONMENT_KINDS: Final = {
    "report": "报告书",
    "form": "报告表",
    "registration": "登记表",
    "production_licence": "工业产品生产许可证",
    "safety_permit": "安全生产许可证",
}
FINANCE_ACTS: Final = {"loan": "贷款", "disbursement": "放款", "bond": "债券", "listing": "上市融资"}
FINANCE_KINDS: Final = {
    "construction": "固定资产贷款",
    "working_capital": "流动资金贷款",
    "merger": "并购贷款",
    "refinancing": "再融资",
}
FINANCE_INSTRUMENTS: Final = {"loan": "贷款", "bond": "债券", "listing": "股票"}
FINANCE_DETAILS: Final = {
    "currency": "币种",
    "purpose": "用途说明",
    "used_amount": "已用金额（元）",
    "five_class": "五级分类",
}
FINANCE_COLUMNS: Final = (
    "记录编号", "报送时间", "业务种类", "签订日期", "合同编号", "项目代码", "项目名称", "融资主体", "统一社会信用代码",
    "所在地区划", "所在地", "行业", "行业标准", "资金用途类别", "出资机构", "金额（万元）", "占地（公顷）",
    "期限（月）", "拟建产能", "到期日", "撤销日", "演示", "融资工具", "币种", "用途说明",
    "已用金额（元）", "五级分类", "附加信息",
)  # fmt: skip


def modified(record: Record) -> datetime:
    """The record's modification stamp in China's time."""
    return datetime.fromisoformat(str(record["source_modified"])).astimezone(CHINA)


def times(value: Any, factor: str) -> str | None:
    """A number times a factor as text; what is no number is passed on as it is (agencies do send such)."""
    if value in (None, ""):
        return None
    try:
        return format(Decimal(str(value)) * Decimal(factor), "f")
    except InvalidOperation:
        return str(value)


def _number(value: str | None) -> float | str | None:
    """A JSON number where the text is one."""
    try:
        return None if value is None else float(value)
    except ValueError:
        return value


def _word(words: Mapping[str, str], value: Any) -> Any:
    return words.get(value, value) if isinstance(value, str) else value


def _rest(record: Record, named: Mapping[str, str]) -> dict[str, Any]:
    """The details that have no field of their own."""
    return {name: value for name, value in (record.get("details") or {}).items() if name not in named}


def _capacities(record: Record) -> list[tuple[str, str, str, str]]:
    """Product, amount, unit and process (which may be empty) of each stated capacity."""
    return [
        (
            _word(PRODUCTS, one["product"]),
            times(one["amount"], "0.0001") or "",
            _word(TEN_THOUSANDS, one["unit"]),
            _word(PROCESSES, one.get("process", "")),
        )
        for one in record.get("stated_capacity") or []
    ]


def land(record: Record) -> dict[str, Any]:
    """An entry of the land system: abbreviations in pinyin, 公顷, 万元, years."""
    details = record.get("details") or {}
    entry = {
        "gdGuid": record["source_key"],
        "gxSj": modified(record).isoformat(),
        "ywLx": _word(LAND_ACTS, record.get("act")),
        "qdRq": record.get("acted_on"),
        "dzBaBh": record.get("number"),
        "xmDm": record.get("project_code"),
        "xmMc": record.get("project_name"),
        "srDw": record.get("party_name"),
        "tyDm": record.get("party_uscc"),
        "xzqDm": record.get("region"),
        "zdZl": record.get("address"),
        "hyFl": record.get("industry"),
        "hyBb": record.get("industry_edition"),
        "gyFs": _word(LAND_KINDS, record.get("kind")),
        "pzJg": record.get("authority"),
        "cjJg": _number(times(record.get("amount"), "0.0001")),
        "mj": _number(times(record.get("area_hectares"), "1")),
        "crNx": _number(_years(record.get("months"))),
        "niCn": [
            {"cpMc": product, "cn": amount, "dw": unit, **({"gy": process} if process else {})}
            for product, amount, unit, process in _capacities(record)
        ]
        or None,
        "yxqZ": record.get("expires"),
        "cxRq": record.get("revoked"),
        "sfYs": "是" if record.get("synthetic") else "否",
        **{field: details[name] for name, field in LAND_DETAILS.items() if name in details},
        "fjXx": _rest(record, LAND_DETAILS) or None,
    }
    return {name: value for name, value in entry.items() if value not in (None, "")}


def _years(months: Any) -> str | None:
    return None if months in (None, "") else str(Decimal(str(months)) / 12)


def _chinese_date(value: Any) -> str | None:
    """2014-03-05 as 2014年03月05日; anything else as it is."""
    parts = str(value or "").split("-")
    return f"{parts[0]}年{parts[1]}月{parts[2]}日" if len(parts) == 3 else value


def environment(record: Record) -> str:
    """An element of the environment platform: Chinese names, 亩, yuan, dates in characters, time without zone."""
    energy = {"annual_energy_tce": "年综合能耗吨标准煤"}
    rest = _rest(record, energy)
    edition = record.get("industry_edition")
    fields = {
        "更新时间": modified(record).replace(tzinfo=None).isoformat(" "),
        "事项类型": _word(ENVIRONMENT_ACTS, record.get("act")),
        "办结日期": _chinese_date(record.get("acted_on")),
        "文号": record.get("number"),
        "项目代码": record.get("project_code"),
        "项目名称": record.get("project_name"),
        "建设单位": record.get("party_name"),
        "统一社会信用代码": record.get("party_uscc"),
        "行政区划代码": record.get("region"),
        "建设地点": record.get("address"),
        "行业代码": record.get("industry"),
        "行业分类版本": f"GB/T 4754-{edition}" if edition else None,
        "文件类别": _word(ENVIRONMENT_KINDS, record.get("kind")),
        "审批机关": record.get("authority"),
        "金额": record.get("amount"),
        "占地面积": times(record.get("area_hectares"), "15"),
        "有效期": record.get("months"),
        "有效期至": _chinese_date(record.get("expires")),
        "撤销日期": _chinese_date(record.get("revoked")),
        "演示数据": "是" if record.get("synthetic") else "否",
        "年综合能耗吨标准煤": (record.get("details") or {}).get("annual_energy_tce"),
        "附加信息": json.dumps(rest, ensure_ascii=False) if rest else None,
    }
    body = "".join(
        f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items() if value not in (None, "")
    )
    lines = "".join(
        f"<产品><名称>{escape(product)}</名称><数量>{amount}</数量><单位>{escape(unit.removesuffix('/年'))}</单位>"
        f"{f'<工艺>{escape(process)}</工艺>' if process else ''}</产品>"
        for product, amount, unit, process in _capacities(record)
    )
    return f"<记录 编号={quoteattr(str(record['source_key']))}>{body}{f'<产能>{lines}</产能>' if lines else ''}</记录>"


def _compact_date(value: Any) -> str:
    return str(value or "").replace("-", "")


def finance(record: Record) -> list[str]:
    """A row of the finance system in the order of FINANCE_COLUMNS: 万元, months, dates of eight digits."""
    details = record.get("details") or {}
    rest = _rest(record, {**FINANCE_DETAILS, "instrument": ""})
    row = {
        "记录编号": record["source_key"],
        "报送时间": modified(record).replace(tzinfo=None).isoformat(),
        "业务种类": _word(FINANCE_ACTS, record.get("act")),
        "签订日期": _compact_date(record.get("acted_on")),
        "合同编号": record.get("number"),
        "项目代码": record.get("project_code"),
        "项目名称": record.get("project_name"),
        "融资主体": record.get("party_name"),
        "统一社会信用代码": record.get("party_uscc"),
        "所在地区划": record.get("region"),
        "所在地": record.get("address"),
        "行业": record.get("industry"),
        "行业标准": record.get("industry_edition"),
        "资金用途类别": _word(FINANCE_KINDS, record.get("kind")),
        "出资机构": record.get("authority"),
        "金额（万元）": times(record.get("amount"), "0.0001"),
        "占地（公顷）": record.get("area_hectares"),
        "期限（月）": record.get("months"),
        "拟建产能": "；".join("|".join(part for part in one if part) for one in _capacities(record)),
        "到期日": _compact_date(record.get("expires")),
        "撤销日": _compact_date(record.get("revoked")),
        "演示": "1" if record.get("synthetic") else "0",
        "融资工具": _word(FINANCE_INSTRUMENTS, details.get("instrument")),
        **{column: details.get(name) for name, column in FINANCE_DETAILS.items()},
        "附加信息": json.dumps(rest, ensure_ascii=False) if rest else None,
    }
    return ["" if row[column] is None else str(row[column]) for column in FINANCE_COLUMNS]
