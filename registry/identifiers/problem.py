"""What can be wrong with an identifier: one table of messages by code, the error, the warning, the parsed base."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from registry.errors import BadInput

Language = Literal["zh", "en"]

# code -> (Chinese, English, remedy in Chinese, remedy in English). {text} is what was given, cut to 60 characters.
MESSAGES: Final[dict[str, tuple[str, str, str, str]]] = {
    "empty": ("没有内容。", "There is nothing here.", "请填写，或整项留空。", "Fill it in or leave the field out."),
    "project-code-shape": (
        "“{text}”不是项目代码。",
        "“{text}” is not a project code.",
        "应为 20 位数字（如 2509-320193-89-01-544060），旧代码如 2017-440300-32-03-100123。",
        "It has 20 digits, such as 2509-320193-89-01-544060, or 2017-440300-32-03-100123 before November 2020.",
    ),
    "project-code-spreadsheet": (
        "“{text}”已被电子表格变成数值，末几位已丢失。",
        "“{text}” was turned into a number by a spreadsheet; its last digits are lost.",
        "请把该列设为文本格式后重新录入代码。",
        "Format the column as text and enter the code again.",
    ),
    "project-code-month": (
        "项目代码“{text}”的月份 {month} 不存在。",
        "The month {month} in the project code “{text}” does not exist.",
        "请与项目批复文件核对。",
        "Compare it with the project's document.",
    ),
    "project-code-check-digit": (
        "项目代码“{text}”的校验位应为 {expected}。",
        "The check digit of the project code “{text}” should be {expected}.",
        "请与原件核对；代码已照录。",
        "Compare it with the original; it is kept as given.",
    ),
    "project-code-ambiguous": (
        "项目代码“{text}”以 20 开头且校验位不符，按 2020 年以前的旧代码处理。",
        "The project code “{text}” starts with 20 and its check digit does not fit: read as a code of the old shape.",
        "如系 2020 年 11 月以后的代码，请核对校验位。",
        "If it was given after November 2020, compare its check digit with the original.",
    ),
    "project-code-type": (
        "项目代码“{text}”的类型 {type} 不是 01（审批）、02（核准）、03（备案）。",
        "The type {type} in the project code “{text}” is none of 01 (approval), 02 (verification), 03 (filing).",
        "请与原件核对；代码已照录。",
        "Compare it with the original; it is kept as given.",
    ),
    "uscc-shape": (
        "“{text}”不是统一社会信用代码。",
        "“{text}” is not a unified social credit code.",
        "应为 18 位数字和大写字母（不含 I、O、S、V、Z），如 91110000600037341L。",
        "It has 18 digits and capital letters without I, O, S, V, Z, such as 91110000600037341L.",
    ),
    "uscc-spreadsheet": (
        "“{text}”已被电子表格变成数值，末几位已丢失。",
        "“{text}” was turned into a number by a spreadsheet; its last digits are lost.",
        "请把该列设为文本格式后重新录入代码。",
        "Format the column as text and enter the code again.",
    ),
    "uscc-check-digit": (
        "统一社会信用代码“{text}”的校验位应为 {expected}。",
        "The check digit of the unified social credit code “{text}” should be {expected}.",
        "请与营业执照核对；代码已照录。",
        "Compare it with the business licence; it is kept as given.",
    ),
    "uscc-letter-prefix": (
        "统一社会信用代码“{text}”以字母开头：标准允许，但少见。",
        "The unified social credit code “{text}” starts with a letter: permitted, but rare.",
        "请与原件核对；代码已照录。",
        "Compare it with the original; it is kept as given.",
    ),
    "uscc-organisation-code": (
        "“{text}”是 9 位组织机构代码（2015 年 10 月以前）。",
        "“{text}” is an organisation code of 9 characters, from before October 2015.",
        "如已换发，请填统一社会信用代码。",
        "Give the unified social credit code where there is one.",
    ),
    "uscc-licence-number": (
        "“{text}”是 15 位营业执照注册号（2015 年 10 月以前）。",
        "“{text}” is a business licence number of 15 digits, from before October 2015.",
        "如已换发，请填统一社会信用代码。",
        "Give the unified social credit code where there is one.",
    ),
    "organisation-code-check-digit": (
        "组织机构代码“{text}”的校验位应为 {expected}。",
        "The check digit of the organisation code “{text}” should be {expected}.",
        "请与原件核对；代码已照录。",
        "Compare it with the original; it is kept as given.",
    ),
    "licence-number-check-digit": (
        "注册号“{text}”的校验位应为 {expected}。",
        "The check digit of the licence number “{text}” should be {expected}.",
        "请与原件核对；注册号已照录。",
        "Compare it with the original; it is kept as given.",
    ),
    "region-shape": (
        "“{text}”不是行政区划代码。",
        "“{text}” is not a region code.",
        "应为 6 位数字，如 130200（只知到省、市时以 0 补足）。",
        "It has 6 digits, such as 130200; zeros stand where only the province or the city is known.",
    ),
    "region-padded": (
        "区划代码“{text}”已补足为 {value}。",
        "The region code “{text}” was completed to {value}.",
        "无须处理，除非所指区域更小。",
        "Nothing to do unless a smaller region was meant.",
    ),
    "region-cut": (
        "区划代码“{text}”为乡级以下代码，取其县级部分 {value}。",
        "The region code “{text}” is of a township or village; its county {value} is used.",
        "无须处理。",
        "Nothing to do.",
    ),
    "region-province": (
        "区划代码“{text}”的前两位 {province} 不是任何省份。",
        "The first two digits {province} of the region code “{text}” are no province.",
        "请与原件核对；代码已照录。",
        "Compare it with the original; it is kept as given.",
    ),
    "industry-shape": (
        "“{text}”不是国民经济行业代码。",
        "“{text}” is not an industry code.",
        "应为 2 至 4 位数字，如 3120（炼钢）。",
        "It has 2 to 4 digits, such as 3120 (steelmaking).",
    ),
    "industry-edition": (
        "没有《国民经济行业分类》{text} 版。",
        "There is no edition “{text}” of the industry classification.",
        "请填 2011 或 2017。",
        "Give 2011 or 2017.",
    ),
    "industry-edition-unsaid": (
        "行业代码“{text}”在 2011 版与 2017 版中含义不同，未注明版本，按 {edition} 版处理。",
        "The industry code “{text}” means different things in 2011 and 2017; no edition is given, {edition} is taken.",
        "请注明版本。",
        "Say the edition.",
    ),
    "eia-number-shape": (
        "“{text}”不是环评批复文号。",
        "“{text}” is not the number of an EIA approval.",
        "应含发文机关代字、年份和序号，如 鲁环审〔2010〕238号。",
        "It has issuer, year and number, such as 鲁环审〔2010〕238号.",
    ),
    "eia-number-year": (
        "环评批复文号“{text}”的年份 {year} 早于环评制度（1979 年）。",
        "The year {year} of the EIA number “{text}” is before EIA existed (1979).",
        "请与原件核对；文号已照录。",
        "Compare it with the original; it is kept as given.",
    ),
    "supervision-number-shape": (
        "“{text}”不是土地供应电子监管号。",
        "“{text}” is not a supervision number of land supply.",
        "应为区划 6 位、年份 4 位、字母（A 划拨、B 出让）和序号，如 1302002013B00123。",
        "It has region (6), year (4), a letter (A allocated, B granted) and a serial, such as 1302002013B00123.",
    ),
    "supervision-number-letter": (
        "电子监管号“{text}”的字母 {letter} 不是 A（划拨）或 B（出让）。",
        "The letter {letter} of the supervision number “{text}” is neither A (allocated) nor B (granted).",
        "请与原件核对；监管号已照录。",
        "Compare it with the original; it is kept as given.",
    ),
    "discharge-permit-shape": (
        "“{text}”不是排污许可证编号。",
        "“{text}” is not the number of a discharge permit.",
        "应为统一社会信用代码 18 位、序号 3 位和字母 P，如 91130200699229617X001P。",
        "It has the holder's USCC (18), a serial (3) and P, such as 91130200699229617X001P.",
    ),
    "discharge-permit-registration": (
        "“{text}”是排污登记编号，不是排污许可证。",
        "“{text}” numbers a discharge registration, which is not a permit.",
        "请确认该企业是否应当取得许可证。",
        "Check whether the holder needs a permit.",
    ),
}

_LONGEST_ECHO = 60


def _say(code: str, parameters: Mapping[str, str], language: Language) -> tuple[str, str]:
    """Message and remedy of a code in one language."""
    chinese, english, remedy_chinese, remedy_english = MESSAGES[code]
    message, remedy = (chinese, remedy_chinese) if language == "zh" else (english, remedy_english)
    return message.format_map(parameters), remedy.format_map(parameters)


def _echo(text: str) -> str:
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"


class BadIdentifier(BadInput):
    """The text is not an identifier of this kind; `code` and `parameters` let an edge say it in any language."""

    title = "The identifier is not valid"

    def __init__(self, code: str, text: str, *, where: str = "", **parameters: str) -> None:
        self.code = code
        self.parameters = {"text": _echo(text), **parameters}
        message, remedy = _say(code, self.parameters, "en")
        super().__init__(message, where=where, remedy=remedy)

    def say(self, language: Language) -> tuple[str, str]:
        """Message and remedy in the given language."""
        return _say(self.code, self.parameters, language)


@dataclass(frozen=True, slots=True)
class IdentifierWarning:
    """Something odd about an identifier that is kept all the same."""

    code: str
    parameters: tuple[tuple[str, str], ...]

    def say(self, language: Language) -> tuple[str, str]:
        """Message and remedy in the given language."""
        return _say(self.code, dict(self.parameters), language)


def warn(code: str, text: str, **parameters: str) -> IdentifierWarning:
    """A warning by its code in `MESSAGES`."""
    return IdentifierWarning(code, (("text", _echo(text)), *parameters.items()))


@dataclass(frozen=True, slots=True)
class Parsed:
    """An identifier that was understood: its normal form and what was odd about it."""

    value: str
    warnings: tuple[IdentifierWarning, ...]

    def __str__(self) -> str:
        """The normal form."""
        return self.value
