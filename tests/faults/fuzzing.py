"""Requests as a description allows them and as it does not: values by schema, hostile ones, spoilt bodies."""

import json
import random
import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

# Stands in every body; what was sent comes back in no error.
ECHO: Final = "不可回显甲乙丙"
_TEXTS: Final = (
    "", " ", "\x00", "'; DROP TABLE projects; --", "<script>alert(1)</script>", "../../../etc/passwd", "%00", "{{7*7}}",
    "甲" * 3000, "\ud800", "٣", "null", "true", "-1", "0", "1e999", "9" * 30, "0001-01-01", "9999-12-31",
    "2014-02-30", "\u202e反", "steel", "130000", "all", "=1+1", "0x10", "\r\nX-Evil: 1", "a" * 300,
    "2017-130200-31-03-000001",
)  # fmt: skip
_VALUES: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 2**63, 10**40, 1.5, -0.0, 1e308, [], {}, [[[]]], {"": ""}, ["", None], "", "甲", "1",
)  # fmt: skip
_NO_JSON: Final = (b"", b"{", b"\xff\xfe", b"[" * 5000, b"null", ECHO.encode("gb18030"), b'{"a":NaN}')
# Of an address: beyond it the client itself refuses.
LONGEST: Final = 60_000
_BOUNDARY: Final = "threegates-fuzz"
_FILES: Final = (
    b"",
    b"act,project_code\nloan,2017-130200-31-03-000001\n",
    "act,project_name,amount\nloan,=1+1,一百\n".encode(),
    b'{"act": "land_grant", "project": {"code": "x"}}\n{"act": 5}\n',
    b"PK\x03\x04 no workbook",
)
_DAYS: Final = ("2014-06-01", "2020-02-29", "1990-01-01", "2026-11-21")


@dataclass(frozen=True)
class Sent:
    """One request as it goes out."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


class Maker:
    """Makes requests to described operations; the same seed makes the same ones."""

    def __init__(self, description: dict[str, Any], chance: random.Random) -> None:
        self.description = description
        self.chance = chance

    def request(self, method: str, path: str, operation: dict[str, Any]) -> Sent:
        """A request that is right, or wrong in a parameter, a header or its body."""
        query: list[tuple[str, str]] = []
        headers: dict[str, str] = {}
        for one in operation.get("parameters", []):
            required = one.get("required", False)
            if self.chance.random() < (0.05 if required else 0.5) and one["in"] != "path":
                continue
            value = self._parameter(one)
            if one["name"] == "if-match" and self.chance.random() < 0.7:
                # Whatever there is: else no correction would come as far as its fields.
                value = "*"
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", _quoted(value) or "%20")
            elif one["in"] == "query":
                query.append((one["name"], value))
            else:
                headers[one["name"]] = re.sub(r"[^!-~]", "", value)[:300]
        body = None
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]
            if "application/json" in content:
                body = self._body(content["application/json"]["schema"])
                headers["content-type"] = "application/json" if self.chance.random() < 0.95 else "text/plain"
            else:
                body = self._upload()
                headers["content-type"] = f"multipart/form-data; boundary={_BOUNDARY}"
        while len(path) + len(urlencode(query, errors="surrogatepass")) > LONGEST:
            query.pop()
        if query:
            path += "?" + urlencode(query, errors="surrogatepass")
        return Sent(method, path, headers, body)

    def page(self, method: str, path: str, form_token: str) -> Sent:
        """A page or its form, with numbers, words and fields that may be anything."""
        path = re.sub(
            r"\{\w+(:int)?\}",
            lambda found: str(self.chance.choice((1, 2, 3, 0, 2**63))) if found[1] else _quoted(self._text()) or "x",
            path,
        )
        names = ("q", "cursor", "lane", "province", "state", "known_at", "back", "sector", "kind", "from", "to")
        if method == "GET":
            asked = [(name, self._text()) for name in self.chance.sample(names, 2)]
            return Sent(method, f"{path}?{urlencode(asked, errors='surrogatepass')}")
        named = (
            *names,
            "name",
            "reason",
            "version",
            "role",
            "login",
            "organisation_id",
            "region",
            "key",
            "rate",
            "expires",
        )
        form = [(name, self._text()[:500]) for name in self.chance.sample(named, 6)] + [("form_token", form_token)]
        body = urlencode(form, errors="surrogatepass").encode()
        return Sent(method, path, {"content-type": "application/x-www-form-urlencoded"}, body)

    def _text(self) -> str:
        return str(self.chance.choice(_TEXTS))

    def _parameter(self, one: dict[str, Any]) -> str:
        if self.chance.random() < 0.35:
            return self._text()
        value = self._valid(one["schema"])
        if isinstance(value, list):
            value = value[0] if value else ""
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)

    def _body(self, schema: dict[str, Any]) -> bytes:
        named = self._resolved(schema)
        examples = named.get("examples", [])
        shown = examples and self.chance.random() < 0.7
        value = deepcopy(self.chance.choice(examples)) if shown else self._valid(named)
        if self.chance.random() < 0.06:
            return self.chance.choice(_NO_JSON)
        if isinstance(value, dict):
            value = {**value, "reason": ECHO} if "reason" in value else value
            for _ in range(self.chance.choice((0, 0, 1, 2))):
                self._spoil(value)
        return json.dumps(value, default=str).encode()

    def _upload(self) -> bytes:
        """A form with a file that may hold and be called anything."""
        name = self.chance.choice(("questions.csv", "questions.jsonl", "questions.xlsx", "", "甲.csv", "../x.csv"))
        held = (*_NO_JSON, *_FILES, self._text().encode(errors="replace"))
        parts = [(f'name="file"; filename="{name}"', self.chance.choice(held))]
        if self.chance.random() < 0.5:
            parts.append(('name="act"', self._text().encode(errors="replace")))
        if self.chance.random() < 0.1:
            parts.pop(0)
        written = [
            f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + body for head, body in parts
        ]
        return b"\r\n".join([*written, f"--{_BOUNDARY}--\r\n".encode()])

    def _spoil(self, value: Any) -> None:
        """Change one thing somewhere within."""
        while True:
            keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
            if not keys:
                return
            key = self.chance.choice(keys)
            inner = value[key]
            if isinstance(inner, dict | list) and inner and self.chance.random() < 0.7:
                value = inner
                continue
            turn = self.chance.random()
            if turn < 0.2 and isinstance(value, dict):
                del value[key]
            elif turn < 0.35 and isinstance(value, dict):
                value["不存在的字段"] = ECHO
            elif turn < 0.6:
                value[key] = self.chance.choice(_VALUES)
            else:
                value[key] = ECHO if turn < 0.7 else self._text()
            return

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _valid(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """A value that the schema allows, as far as it says so."""
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.chance.choice(schema["enum"])
        for union in ("anyOf", "oneOf"):
            if union in schema:
                return self._valid(self.chance.choice(schema[union]), depth)
        kind = schema.get("type")
        if kind == "object":
            required = schema.get("required", [])
            return {
                name: self._valid(inner, depth + 1)
                for name, inner in schema.get("properties", {}).items()
                if name in required or (depth < 3 and self.chance.random() < 0.4)
            }
        if kind == "array":
            count = max(schema.get("minItems", 0), self.chance.choice((0, 1, 2)))
            return [self._valid(schema.get("items", {}), depth + 1) for _ in range(count)]
        if kind in ("integer", "number"):
            low, high = schema.get("minimum", 1), schema.get("maximum", 50)
            return self.chance.randint(int(low), max(int(low), int(high)))
        if kind == "boolean":
            return self.chance.choice((True, False))
        return None if kind == "null" else self._string(schema)

    def _string(self, schema: dict[str, Any]) -> str:
        if "format" in schema:
            return self.chance.choice(_DAYS) if schema["format"] == "date" else "2026-11-21T00:00:00Z"
        pattern = schema.get("pattern", "")
        if r"\d{2}" in pattern:
            return self.chance.choice(("13", "11", "99"))
        if choices := re.fullmatch(r"\^\(([\w|]+)\)\$", pattern):
            return str(self.chance.choice(choices[1].split("|")))
        words = (*schema.get("examples", []), "steel", "land", "示例", "2017-130200-31-03-000001", "130200", "project")
        text = str(self.chance.choice(words))
        return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 4000)]


def _quoted(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="", errors="surrogatepass").replace(".", "%2E")
