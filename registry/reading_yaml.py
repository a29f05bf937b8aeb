"""Reading our YAML strictly: every scalar as it is written, no key twice, and errors that name file, line and field."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from re import compile as pattern
from typing import Annotated, Any, Final, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from registry.errors import BadFile

Model = TypeVar("Model")
Place = tuple[str | int, ...]

# No file of ours comes near; beyond them a few bytes of aliases or brackets would hold the machine for hours.
MOST_BYTES: Final = 16 * 2**20
MOST_PLACES: Final = 1_000_000
DEEPEST: Final = 50


class _Quick(yaml.composer.Composer, yaml.CSafeLoader):
    """Parsed in C, in a tenth of the time; composed in Python, whose stack does not break when nesting is too deep."""

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        yaml.composer.Composer.__init__(self)


_LOADER: Final[type[Any]] = _Quick if yaml.__with_libyaml__ else yaml.SafeLoader

_DAY: Final = pattern(r"\d{4}-\d{2}-\d{2}")
_NULL: Final = "tag:yaml.org,2002:null"
_MERGE: Final = "tag:yaml.org,2002:merge"


def _only_written_as_day(value: Any) -> Any:
    # Left to itself the validator would take 20140201 for seconds since 1970.
    if isinstance(value, str) and _DAY.fullmatch(value) is None:
        raise ValueError("must be a day like 2014-02-01")
    return value


Day = Annotated[date, BeforeValidator(_only_written_as_day)]


class Strict(BaseModel):
    """Base of everything read from our YAML: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Document:
    """A file's content, scalars as text and null as None, with the line of every place in it."""

    name: str
    content: Any
    lines: dict[Place, int]

    def line(self, place: Sequence[str | int]) -> int:
        """The line of a place, or of the nearest place around it."""
        at = tuple(place)
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)

    def refuse(self, place: Sequence[str | int], problem: str, *, remedy: str = "") -> BadFile:
        """The error that something at a place is not valid."""
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
        message = f"{field}: {problem}" if field else problem
        return BadFile(message, where=f"{self.name}, line {self.line(place)}", remedy=remedy)


def read_document(path: Path, *, name: str = "") -> Document:
    """Read a YAML file; raises BadFile where it is not YAML, repeats a key or cannot be read."""
    shown = name or str(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadFile(f"The file is larger than {MOST_BYTES // 2**20} MB.", where=shown, remedy="Split it.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadFile(f"The file cannot be read ({error.strerror}).", where=shown) from None
    except UnicodeDecodeError:
        raise BadFile("The file is not UTF-8.", where=shown, remedy="Save it as UTF-8.") from None
    lines: dict[Place, int] = {}
    try:
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            document = Document(shown, None, lines)
            content = None if node is None else _content(node, (), document, ())
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise BadFile(f"This is not YAML: {problem}.", where=f"{shown}, line {line}") from None
    except RecursionError:  # while it was parsed: before there is anything whose depth could be counted
        raise BadFile(f"The file is nested more than {DEEPEST} deep.", where=shown) from None
    return Document(shown, content, lines)


def _content(node: yaml.Node, place: Place, document: Document, around: tuple[yaml.Node, ...]) -> Any:
    document.lines.setdefault(place, node.start_mark.line + 1)
    if len(document.lines) > MOST_PLACES:
        raise BadFile(f"The file holds more than {MOST_PLACES:,} values, aliases counted.", where=document.name)
    if len(around) > DEEPEST:
        raise BadFile(f"The file is nested more than {DEEPEST} deep.", where=document.name)
    if any(node is other for other in around):
        raise document.refuse(place, "an alias may not contain itself.")
    around = (*around, node)
    if isinstance(node, yaml.SequenceNode):
        return [_content(one, (*place, number), document, around) for number, one in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, document, around)
    return None if node.tag == _NULL else node.value


def _mapping(node: yaml.MappingNode, place: Place, document: Document, around: tuple[yaml.Node, ...]) -> dict[str, Any]:
    """The entries of a mapping; those merged in by << stand behind its own."""
    merged: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise document.refuse(place, "a key must be a plain word.")
        inner = (*place, key.value)
        document.lines[inner] = key.start_mark.line + 1
        if key.tag == _MERGE:
            added = _content(value, place, document, around)
            for one in reversed(added if isinstance(added, list) else [added]):
                if not isinstance(one, dict):
                    raise document.refuse(inner, "only a mapping can be merged.")
                merged |= one
        elif key.value in own:
            raise document.refuse(inner, "this key stands twice.")
        else:
            own[key.value] = _content(value, inner, document, around)
    return merged | own


def read_as(document: Document, content: Any, into: TypeAdapter[Model], place: Place = ()) -> Model:
    """Validate content that stands at a place of a document; raises BadFile with line and field of the first error."""
    try:
        return into.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        location = (*place, *(part for part in first["loc"] if part != "[key]"))
        if first["type"] == "extra_forbidden":
            known = ", ".join(_known_fields(into, first["loc"]))
            raise document.refuse(
                location, "this field is unknown.", remedy=f"Known here: {known}." if known else ""
            ) from None
        message = first["msg"].removeprefix("Value error, ").rstrip(".") + "."
        raise document.refuse(location, message) from None


def _known_fields(into: TypeAdapter[Any], location: Sequence[str | int]) -> list[str]:
    """The field names of the model in which an unknown one was found, read from its JSON schema."""
    schema = into.json_schema()
    definitions = schema.get("$defs", {})
    at: dict[str, Any] = schema
    for part in (*location[:-1], None):
        at = next((one for one in at["anyOf"] if one.get("type") != "null"), at) if "anyOf" in at else at
        if "$ref" in at:
            at = definitions[at["$ref"].rsplit("/", 1)[1]]
        if part is None:
            break
        at = at.get("items", {}) if isinstance(part, int) else at.get("properties", {}).get(part, {})
    return sorted(at.get("properties", {}))
