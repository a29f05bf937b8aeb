"""What lists may be narrowed to: the values of each filter, and the refusal that names them."""

from collections.abc import Iterable
from typing import Final, get_args

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import GATES, SECTORS, Lane
from registry.errors import BadInput
from registry.identifiers.region import PROVINCES
from registry.import_items import Nature, Stage
from registry.linking.places import region_in
from registry.names import normalise
from registry.publishing.tables import KINDS as PUBLICATION_KINDS
from registry.reading import rows
from registry.sectors import shown_sectors
from registry.suspects import STATES as SUSPECTED_STATES

# Findings may lie in one lane more than records: the replacement of capacity has no act of an agency.
LANES: Final[tuple[str, ...]] = tuple(dict.fromkeys((*GATES, *get_args(Lane), "replacement")))

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "kind": ("project", "enterprise", "record", "publication", "suspected"),
    "publication_kind": PUBLICATION_KINDS,
    "publication_state": ("displayed", "published"),
    "suspected_state": SUSPECTED_STATES,
    "product": tuple(product for one in shown_sectors().sectors.values() for product in one.products),
    "sector": SECTORS,
    "stage": get_args(Stage),
    "nature": get_args(Nature),
    "province": tuple(str(code) for code in sorted(PROVINCES)),
    "lane": LANES,
    "gate": LANES,
    "basis": ("text", "derived"),
    "flagged": ("true", "false"),
    "invented": ("true", "false"),
    "answer": ("allow", "refuse", "refer"),
    "mark": ("without", "against", "lapsed"),
}
# What a filter is called where its name is no word for it.
_CALLED: Final = {"flagged": "choice about findings", "invented": "choice about invented ones"}


class UnknownChoice(BadInput):
    """A list was to be narrowed to what there is not; `allowed` are the values there are."""

    title = "There is no such choice"

    def __init__(self, name: str, allowed: Iterable[str]) -> None:
        self.name = name
        self.allowed = tuple(allowed)
        remedy = f"Give one of: {', '.join(self.allowed)}." if self.allowed else "There is nothing to choose from yet."
        super().__init__(f"There is no such {_CALLED.get(name, name)}.", where=name, remedy=remedy)


async def feed_ids(session: AsyncSession) -> tuple[str, ...]:
    """The agencies' feeds that the register knows, which lists can be narrowed to."""
    return tuple(row["id"] for row in await rows(session, "SELECT id FROM feeds ORDER BY id"))


def unknown_choice(
    name: str, values: Iterable[str | None], allowed: Iterable[str] | None = None
) -> UnknownChoice | None:
    """The refusal where one of the values is none of the choices of a filter; None where all are.

    `allowed` are the choices of filters whose values stand in the register. A province may be given by its first two
    digits or by all six.
    """
    choices = tuple(allowed) if allowed is not None else CHOICES[name]
    known = {*choices, *(f"{one}0000" for one in choices)} if name == "province" else set(choices)
    return None if all(value is None or value in known for value in values) else UnknownChoice(name, choices)


def region_asked(given: str | None) -> str | None:
    """The code of a region that somebody asks for by code or by name, of today or of former days; None asks nothing."""
    told = normalise(given or "").text
    if not told:
        return None
    code = told if len(told) == 6 and told.isascii() and told.isdigit() else region_in(told)
    if not code:
        raise BadInput(
            "No region is called so.", where="region", remedy="Give its six digits, or its name with its province's."
        )
    return code


def check_choice(name: str, *values: str | None, allowed: Iterable[str] | None = None) -> None:
    """Raise UnknownChoice where a value is none of the choices; None asks nothing."""
    refused = unknown_choice(name, values, allowed)
    if refused is not None:
        raise refused
