"""Amounts and dates as people write them: 万吨/年, 亩, 重量箱, 2014年2月1日 — and in English."""

from datetime import MAXYEAR, date, datetime
from decimal import Decimal
from typing import Final

from portal.language import N_, _, current_language
from registry.clock import CIVIL_ZONE

# unit -> (its word, the word of ten thousand of it); ten thousand is how Chinese statistics count
UNITS: Final[dict[str, tuple[str, str]]] = {
    "t/a": (N_("吨/年"), N_("万吨/年")),
    "ttpa": (N_("千吨/年"), ""),
    "t": (N_("吨"), N_("万吨")),
    "weight_case/a": (N_("重量箱/年"), N_("万重量箱/年")),
    "dwt/a": (N_("载重吨/年"), N_("万载重吨/年")),
    "yuan": (N_("元"), N_("万元")),
    "ha": (N_("公顷"), ""),
    "mu": (N_("亩"), ""),
    "m3": (N_("立方米"), ""),
    "m2": (N_("平方米"), ""),
    "m": (N_("米"), ""),
    "kA": (N_("千安"), ""),
    "kVA": (N_("千伏安"), ""),
    "t/d": (N_("吨/日"), ""),
    "dwt": (N_("载重吨"), N_("万载重吨")),
    "kwh/t": (N_("千瓦时/吨"), ""),
    "months": (N_("个月"), ""),
    "percent": (N_("%"), ""),
}
_TEN_THOUSAND: Final = Decimal(10000)
_MU_PER_HECTARE: Final = Decimal(15)
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def number(amount: Decimal | int | float | str | None) -> str:
    """A number with thousands separated, without trailing zeros."""
    if amount is None or amount == "":
        return ""
    text = f"{Decimal(str(amount)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(amount: Decimal | int | float | str | None, unit: str) -> str:
    """An amount with its unit: 120 万吨/年 in Chinese, 1,200,000 t/a in English."""
    if amount is None or amount == "":
        return ""
    exact = Decimal(str(amount))
    small, large = UNITS.get(unit, (unit, ""))
    if large and current_language() == "zh" and abs(exact) >= _TEN_THOUSAND:
        return f"{number(exact / _TEN_THOUSAND)} {_(large)}"
    return f"{number(exact)} {_(small)}"


def area(hectares: Decimal | str | None) -> str:
    """An area in hectares, and in 亩 as land offices count."""
    if hectares is None or hectares == "":
        return ""
    mu = (Decimal(str(hectares)) * _MU_PER_HECTARE).quantize(Decimal("0.1"))
    return _("{hectares} 公顷（{mu} 亩）", hectares=number(hectares), mu=number(mu))


def day(value: date | str | None) -> str:
    """A civil day: 2014年2月1日, 1 February 2014."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        value = value.astimezone(CIVIL_ZONE).date()
    if current_language() == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def instant(value: datetime | str | None) -> str:
    """An instant to the minute, in China's civil time."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value.year == MAXYEAR:
        return _("至今")
    local = value.astimezone(CIVIL_ZONE)
    return f"{day(local.date())} {local:%H:%M}"


def period(start: date | None, end: date | None) -> str:
    """A period of days, both included; empty where nothing is known."""
    if start and start == end:
        return day(start)
    if start and end:
        return _("{start}至{end}", start=day(start), end=day(end))
    if start:
        return _("{start}起", start=day(start))
    if end:
        return _("至{end}", end=day(end))
    return ""
