"""Why a run is held for a person: checks of what arrived against what the register holds, and the words for it."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import orjson

from connectors.feed_words import KINDS, feed_words

Code = Literal["empty", "too_few", "shrunk", "too_many_rejected", "contradiction"]

# What the person reads; the numbers are filled in.
WORDS: Final[dict[str, dict[str, str]]] = {
    "zh": {
        "empty": "机构未发来任何记录，而登记库中同一时段应有 {expected} 条。",
        "too_few": "只收到 {received} 条记录，机构声明至少应有 {expected} 条。",
        "shrunk": "登记库中同一时段已有 {expected} 条记录，此次只再次收到其中 {again} 条，减少超过 {limit:g}%。",
        "too_many_rejected": "{received} 条记录中有 {rejected} 条无法读取，超过 {limit:g}%。",
        "contradiction": "机构的答复自相矛盾：{detail}",
    },
    "en": {
        "empty": "The agency sent no record at all, where the register holds {expected} of the same period.",
        "too_few": "Only {received} records arrived; the agency's declaration expects at least {expected}.",
        "shrunk": (
            "Of {expected} records that the register holds of the same period only {again} came again: "
            "fewer by more than {limit:g} %."
        ),
        "too_many_rejected": "{rejected} of {received} records could not be read: more than {limit:g} %.",
        "contradiction": "The agency's answer contradicts itself: {detail}",
    },
}
RELEASED: Final = {"zh": "{actor} 于核实后接受：{reason}", "en": "Accepted by {actor}: {reason}"}

# A handful of bad records in a small run is no sign of a broken feed.
FEW: Final = 5


class Bounds(Protocol):
    """The bounds of an agency.yml that are judged here."""

    @property
    def minimum_records(self) -> int: ...
    @property
    def maximum_shrink_percent(self) -> float: ...
    @property
    def maximum_rejected_percent(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason, as a code with its numbers; stored as JSON in sync_runs.held_reason."""

    code: Code
    values: dict[str, Any] = field(default_factory=dict)

    def stored(self, **more: Any) -> str:
        """The text for the column; `more` is who released it and why."""
        return orjson.dumps({"code": self.code, **self.values, **more}).decode()


def held_text(stored: str, language: str) -> str:
    """The stored reason in plain words, zh or en; empty where there is none."""
    if not stored:
        return ""
    values = orjson.loads(stored)
    if "detail" in values:
        values["detail"] = feed_words(f"FeedHeld: {values['detail']}", language)
    if values.get("detail") in KINDS["FeedHeld"]:
        text = str(values["detail"])  # nothing more than the code says is known
    else:
        text = WORDS[language][values["code"]].format(**values)
    if "released_by" in values:
        text += " " + RELEASED[language].format(actor=values["released_by"], reason=values["released_because"])
    return text


def check(bounds: Bounds, *, received: int, added: int, rejected: int, expected: int, full: bool) -> Hold | None:
    """Whether a whole run lies outside the bounds.

    `expected` is what the register already held of the period that was asked for: all of it for a full pull, else what
    bears a stamp after the instant asked from, which an incremental answer must repeat (the overlap sees to it).
    What is new does not make up for what is missing.
    """
    allowed = bounds.maximum_shrink_percent
    if not received and expected:
        return Hold("empty", {"expected": expected})
    if full and received < bounds.minimum_records:
        return Hold("too_few", {"received": received, "expected": bounds.minimum_records})
    again = received - added
    if again < expected * (1 - allowed / 100):
        return Hold("shrunk", {"again": again, "expected": expected, "limit": allowed})
    limit = bounds.maximum_rejected_percent
    if rejected > FEW and rejected > received * limit / 100:
        return Hold("too_many_rejected", {"rejected": rejected, "received": received, "limit": limit})
    return None
