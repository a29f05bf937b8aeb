"""What is wrong with a value, in the words of officials: one table for every kind of error that pydantic may report."""

from collections.abc import Mapping
from typing import Any, Final

Words = tuple[str, str, str, str]  # Chinese, its remedy, English, its remedy

# kind -> words; {names} are of the error's context. A kind ending in * stands for all that begin so.
WORDS: Final[dict[str, Words]] = {
    "missing": ("缺少必填项。", "请填写。", "This field is required.", "Fill it in."),
    "extra_forbidden": (
        "没有这一项。",
        "请删除或改正名称。",
        "There is no such field.",
        "Remove it or correct its name.",
    ),
    "none_required": ("此项应为空。", "请删除内容。", "It must be empty.", "Remove the value."),
    # text
    "string_type": ("应为文字。", "请按文本填写。", "It must be text.", "Give it as text."),
    "string_unicode": ("不是有效的文字。", "请用 UTF-8 编码。", "It is not valid text.", "Encode it as UTF-8."),
    "string_not_ascii": (
        "只能用英文字母、数字和符号。",
        "请改正。",
        "It may only hold ASCII characters.",
        "Correct it.",
    ),
    "string_too_short": (
        "内容太短，至少 {min_length} 个字符。",
        "请填写完整。",
        "It is too short (at least {min_length}).",
        "Fill it in.",
    ),
    "string_too_long": (
        "内容过长，最多 {max_length} 个字符。",
        "请缩短。",
        "It is too long (at most {max_length}).",
        "Shorten it.",
    ),
    "string_pattern_mismatch": (
        "写法不对。",
        "请参照格式说明。",
        "It is not written as expected.",
        "See the description of the format.",
    ),
    "bytes*": ("不是有效的内容。", "请参照格式说明。", "It is not valid data.", "See the description of the format."),
    # choices
    "literal_error": (
        "不在可选值之内。",
        "可填：{expected}。",
        "It is not one of the values allowed.",
        "Give {expected}.",
    ),
    "enum": ("不在可选值之内。", "可填：{expected}。", "It is not one of the values allowed.", "Give {expected}."),
    "union_tag*": (
        "无法判断种类。",
        "请参照格式说明。",
        "Its kind cannot be told.",
        "See the description of the format.",
    ),
    "bool*": ("应为 true 或 false。", "请改正。", "It must be true or false.", "Correct it."),
    # numbers
    "greater_than": ("应大于 {gt}。", "请改正。", "It must be greater than {gt}.", "Correct it."),
    "greater_than_equal": ("不得小于 {ge}。", "请改正。", "It must be at least {ge}.", "Correct it."),
    "less_than": ("应小于 {lt}。", "请改正。", "It must be less than {lt}.", "Correct it."),
    "less_than_equal": ("不得大于 {le}。", "请改正。", "It must be at most {le}.", "Correct it."),
    "multiple_of": (
        "应为 {multiple_of} 的倍数。",
        "请改正。",
        "It must be a multiple of {multiple_of}.",
        "Correct it.",
    ),
    "finite_number": ("应为有限的数。", "请改正。", "It must be a finite number.", "Correct it."),
    "int_from_float": ("应为整数。", "请去掉小数。", "It must be a whole number.", "Remove the fraction."),
    "int_parsing_size": ("数字过大。", "请核对。", "The number is too large.", "Check it."),
    "decimal_max_places": (
        "最多 {decimal_places} 位小数。",
        "请舍入。",
        "It may have {decimal_places} decimal places.",
        "Round it.",
    ),
    "decimal_max_digits": ("最多 {max_digits} 位数字。", "请核对。", "It may have {max_digits} digits.", "Check it."),
    "decimal_whole_digits": (
        "小数点前最多 {whole_digits} 位。",
        "请核对。",
        "It may have {whole_digits} digits before the decimal point.",
        "Check it.",
    ),
    **dict.fromkeys(
        ("int*", "float*", "decimal*", "fraction*", "complex*"),
        (
            "不是有效的数。",
            "请只填数字，不带单位。",
            "It is not a valid number.",
            "Give digits only, without a unit.",
        ),
    ),
    # days and times
    "date*": ("不是日期。", "请写成 2014-06-01。", "It is not a date.", "Write it like 2014-06-01."),
    "date_past": ("应为过去的日期。", "请核对。", "It must be a day of the past.", "Check it."),
    "date_future": ("应为将来的日期。", "请核对。", "It must be a day to come.", "Check it."),
    "datetime*": (
        "不是时间。",
        "请写成 2014-06-01T08:00:00+08:00。",
        "It is not an instant.",
        "Write it like 2014-06-01T08:00:00+08:00.",
    ),
    "datetime_past": ("应为过去的时间。", "请核对。", "It must be in the past.", "Check it."),
    "datetime_future": ("应为将来的时间。", "请核对。", "It must be in the future.", "Check it."),
    "timezone*": ("时区不对。", "请写明 +08:00。", "Its time zone is not as expected.", "End it with +08:00."),
    "time_delta*": ("不是时长。", "请写成 PT30M。", "It is not a duration.", "Write it like PT30M."),
    "time_type": ("不是时刻。", "请写成 08:30。", "It is not a time of day.", "Write it like 08:30."),
    "time_parsing": ("不是时刻。", "请写成 08:30。", "It is not a time of day.", "Write it like 08:30."),
    # addresses and numbers of things
    "url*": ("不是网址。", "请写成 https://… 。", "It is not an address.", "Write it like https://…"),
    "uuid*": ("不是 UUID。", "请核对。", "It is not a UUID.", "Check it."),
    # shapes
    "json*": (
        "不是有效的 JSON。",
        "请检查括号、引号和逗号。",
        "It is not valid JSON.",
        "Check brackets, quotation marks and commas.",
    ),
    "too_short": (
        "至少要有 {min_length} 项。",
        "请填写。",
        "It has too few items (at least {min_length}).",
        "Fill it in.",
    ),
    "too_long": ("最多 {max_length} 项。", "请减少。", "It has too many items (at most {max_length}).", "Send fewer."),
    **dict.fromkeys(
        ("model_type", "model_attributes_type", "dict_type", "mapping_type", "dataclass*", "ordered_dict_type"),
        ("应为一个对象。", "请参照格式说明。", "It must be an object.", "See the description of the format."),
    ),
    **dict.fromkeys(
        ("list_type", "set_type", "frozen_set_type", "tuple_type", "deque_type", "iterable_type", "iteration_error"),
        ("应为列表。", "请参照格式说明。", "It must be a list.", "See the description of the format."),
    ),
    "set_item_not_hashable": (
        "列表中的项应为文字或数。",
        "请改正。",
        "Its items must be text or numbers.",
        "Correct it.",
    ),
    "invalid_key": ("名称应为文字。", "请改正。", "Its names must be text.", "Correct it."),
    "recursion*": ("嵌套过深。", "请减少层数。", "It is nested too deeply.", "Use fewer levels."),
    "value_error": ("无效。", "请参照格式说明。", "It is not valid.", "See the description of the format."),
    "assertion_error": ("无效。", "请参照格式说明。", "It is not valid.", "See the description of the format."),
}
ANYTHING: Final[Words] = WORDS["value_error"]
_FAMILIES: Final = sorted((kind[:-1] for kind in WORDS if kind.endswith("*")), key=len, reverse=True)


def validation_words(kind: str, context: Mapping[str, Any]) -> Words:
    """The words of an error by its kind; those that the validator brought itself come first."""
    if "zh" in context:
        return context["zh"], context.get("remedy_zh", ""), context["en"], context.get("remedy_en", "")
    # Choices read alike in both languages: 'a', 'b' or 'c' becomes a, b, c.
    values = {name: str(value).replace("'", "").replace(" or ", ", ") for name, value in context.items()}
    zh, remedy_zh, en, remedy_en = (one.format_map(_Blank(values)) for one in _words(kind))
    return zh, remedy_zh, en, remedy_en


def _words(kind: str) -> Words:
    if kind in WORDS:
        return WORDS[kind]
    family = next((one for one in _FAMILIES if kind.startswith(one)), None)
    return WORDS[f"{family}*"] if family is not None else ANYTHING


class _Blank(dict[str, str]):
    """A name that the error does not bring is left blank: words must never fail."""

    def __missing__(self, name: str) -> str:
        return "…"
