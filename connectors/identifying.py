"""The identifiers of many entries in normal form, and what is odd about them: it goes into their details."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.values import IDENTIFIERS
from registry.identifiers import BadIdentifier, Parsed, industry, supervision_number, uscc

Details = list[dict[str, Any]]

# Numbers that stand as they came, without a warning: nearly all of their kind.
_PLAIN: Final = {"supervision_number": supervision_number.PLAIN}


def _identified(kind: str, text: str) -> Parsed | None:
    """The identifier, or None where the text is none; the parsers remember what they have read."""
    try:
        parsed: Parsed = IDENTIFIERS[kind].parse(text)
    except BadIdentifier:
        return None
    return parsed


def _unreadable(details: dict[str, Any], target: str, text: str) -> None:
    """Keep the original of an identifier that has no normal form."""
    details.setdefault("unreadable", {})[target] = text


def _warn(details: dict[str, Any], target: str, parsed: Parsed) -> None:
    """Keep codes of registry.identifiers.problem.MESSAGES."""
    if parsed.warnings:
        details.setdefault("warnings", {})[target] = [warning.code for warning in parsed.warnings]


def _older_kind(parsed: Parsed) -> str | None:
    """An organisation code or licence number of before 2015-10 is no USCC; it still tells who it was."""
    return parsed.kind if isinstance(parsed, uscc.Uscc) and parsed.kind != "uscc" else None


def normal_codes(target: str, kind: str, texts: list[str | None], details: Details) -> list[str | None]:
    """A column of project codes, USCCs or regions in normal form; an unreadable one never costs its record."""
    normal: dict[str | None, str | None] = {None: None}
    odd: dict[str, Parsed | None] = {}
    for text in set(texts):
        if text is None:
            continue
        parsed = _identified(kind, text)
        normal[text] = parsed.value if parsed is not None and not _older_kind(parsed) else None
        if normal[text] is None or (parsed is not None and parsed.warnings):
            odd[text] = parsed
    if odd:
        for one, text in zip(details, texts, strict=True):
            if text is None or text not in odd:
                continue
            parsed = odd[text]
            if parsed is None:
                _unreadable(one, target, text)
                continue
            _warn(one, target, parsed)
            if older := _older_kind(parsed):
                one[older] = parsed.value
    return [normal[text] for text in texts]


def normal_industries(
    classes: list[str | None], editions: list[str | None], details: Details
) -> tuple[list[str | None], list[str | None]]:
    """Columns of industry classes and their editions in normal form."""
    normal: dict[tuple[str | None, str | None], industry.Industry | None] = {}
    values: list[str | None] = []
    for position, (text, edition) in enumerate(zip(classes, editions, strict=True)):
        if text is None:
            values.append(None)
            continue
        pair = (text, edition)
        if pair not in normal:
            try:
                normal[pair] = industry.parse(text, edition)
            except BadIdentifier:
                normal[pair] = None
        parsed = normal[pair]
        if parsed is None:
            _unreadable(details[position], "industry", text if not edition else f"{text} ({edition})")
            values.append(None)
            editions[position] = None
            continue
        _warn(details[position], "industry", parsed)
        values.append(parsed.value)
        editions[position] = parsed.edition
    return values, editions


def normal_numbers(
    kinds: str | Mapping[str, str], acts: list[str | None], numbers: list[str | None], details: Details
) -> list[str | None]:
    """Numbers whose kind is known (for all, or by act) in normal form.

    There is no national scheme, so an odd one stays as it is.
    """
    normal = numbers.copy()
    for position, (act, text) in enumerate(zip(acts, numbers, strict=True)):
        kind = kinds if isinstance(kinds, str) else kinds.get(act or "")
        if text is None or kind is None or (kind in _PLAIN and _PLAIN[kind].fullmatch(text)):
            continue
        parsed = _identified(kind, text)
        if parsed is None:
            details[position].setdefault("warnings", {})["number"] = [kind.replace("_", "-") + "-shape"]
            continue
        normal[position] = parsed.value
        _warn(details[position], "number", parsed)
    return normal
