"""Filters of a page: what there is not is said at the top with what there is, and the list is shown without it."""

from collections.abc import Mapping, Sequence

from portal.error_words import in_reader_language
from portal.language import _
from portal.words import choices
from registry.choices import unknown_choice

# code and word of each value of a filter
Choices = Sequence[tuple[str, str]]


def sort_out(
    asked: Mapping[str, Sequence[str]], tables: Mapping[str, str | Choices]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """The filters that can be followed, and a message for each of the others by its name.

    `tables` say for each filter where its values come from: a table of words by its name, or the choices themselves.
    """
    kept: dict[str, tuple[str, ...]] = {}
    errors: dict[str, str] = {}
    for name, values in asked.items():
        table = tables[name]
        offered = choices(table) if isinstance(table, str) else table
        refused = unknown_choice(name, values, [code for code, _word in offered])
        if refused is None:
            kept[name] = tuple(values)
            continue
        known = tuple(one for one in values if unknown_choice(name, [one], refused.allowed) is None)
        if known:
            kept[name] = known
        there_is = _("、").join(word for _code, word in offered)
        problem = in_reader_language(refused.message)
        errors[name] = (
            _("{problem}未按此筛选。可选：{choices}。", problem=problem, choices=there_is)
            if offered
            else _("{problem}未按此筛选：目前尚无可选项。", problem=problem)
        )
    return kept, errors
