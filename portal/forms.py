"""Forms of officials: what was typed, as the register's items, and the errors back at their fields."""

from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request

from portal.error_words import in_reader_language
from portal.language import _, current_language
from portal.security import check_form_token
from portal.viewing import viewing
from portal.words import word
from registry import clock
from registry.errors import ChangedMeanwhile, NotAllowed, ThreegatesError, VersionNeeded
from registry.import_problems import ItemsRejected, Problem
from registry.registering import Telling
from registry.viewers import Viewer

LINES: Final = 4
# A file that was tried comes back as a field of the form that confirms it.
LARGEST_FIELD: Final = 8 * 1024 * 1024
MOST_LINES: Final = 40


async def require_editor(request: Request) -> Viewer:
    """The viewer, who may register and correct; whoever may not is refused."""
    async with viewing(request):
        viewer: Viewer = request.state.viewer
    if viewer.kind == "public":
        raise NotAllowed("Only officials may change the register.", remedy="Sign in first.")
    viewer.require("register")
    return viewer


def telling(request: Request, values: dict[str, str]) -> Telling:
    """Who says what a form says, when and why."""
    return Telling(actor=request.state.viewer.actor, at=clock.now(), reason=values.get("reason", ""), told=[])


async def read_form(request: Request) -> FormData:
    """The form of whoever may edit, sent from our own page."""
    await require_editor(request)
    form = await request.form(max_files=1, max_fields=300, max_part_size=LARGEST_FIELD)
    check_form_token(request, form.get("form_token"))
    return form


def texts(form: FormData) -> dict[str, str]:
    """The plain fields of a form, trimmed."""
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


def seen_version(values: dict[str, str]) -> str:
    """The version that the form was filled with; a form without it could overwrite what nobody saw."""
    if not values.get("version"):
        raise VersionNeeded("The form does not say which version it was made on.", remedy="Open the page again.")
    return values["version"]


def optional(values: dict[str, str], names: tuple[str, ...]) -> dict[str, str | None]:
    """The named fields; an empty one is None: not known."""
    return {name: values.get(name) or None for name in names}


def capacity_lines(values: dict[str, str]) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The capacity lines of a form, and the field behind each path of the item (capacities.0.amount)."""
    lines: list[dict[str, str]] = []
    places: dict[str, str] = {}
    for number in range(MOST_LINES):
        line = {name: values.get(f"capacity_{name}_{number}", "") for name in ("product", "amount", "unit", "process")}
        if not line["amount"] and not line["product"]:
            continue
        for name in line:
            places[f"capacities.{len(lines)}.{name}"] = f"capacity_{name}_{number}"
        lines.append({name: value for name, value in line.items() if value})
    return lines, places


def errors_at_fields(error: ThreegatesError, places: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Messages by form field, and those that belong to none; `places` maps an item's path to its field."""
    at_fields: dict[str, str] = {}
    general: list[str] = []
    if isinstance(error, ItemsRejected):
        for one in error.problems:
            field = _field(one, places)
            if field:
                at_fields.setdefault(field, one.say(current_language()))
            else:
                general.append(one.say(current_language()))
    elif error.where == "reason":
        at_fields["reason"] = _("请写明更正的理由。")
    else:
        general.append(f"{in_reader_language(error.message)} {in_reader_language(error.remedy)}".strip())
        if isinstance(error, ChangedMeanwhile) and error.changed:
            fields = _("、").join(word("field", one) for one in error.changed)
            general.append(_("已被更改的内容：{fields}", fields=fields))
    return at_fields, general


def _field(problem: Problem, places: dict[str, str]) -> str:
    path = problem.column
    while path:
        if path in places:
            return places[path]
        path = path.rpartition(".")[0]
    return ""


def blank_lines(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Capacity lines for a form, filled up with empty ones."""
    return [*lines, *({} for _line in range(max(LINES - len(lines), 1)))]
