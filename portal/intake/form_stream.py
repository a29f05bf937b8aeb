"""Forms as they stream in: fields in memory, files handed on piece by piece; nothing is ever written to a disk.

The framework's own reading of forms keeps files above 1 MiB in the temporary folder; here there is none.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from registry.errors import BadInput

LARGEST_FIELDS: Final = 512 * 1024
MOST_PARTS: Final = 200
# A sender that is silent for so long has gone.
SILENCE: Final = 120


class BadForm(BadInput):
    """A form that cannot be read, or not to its end."""

    title = "The form could not be read"

    def __init__(self) -> None:
        # Nothing of what was sent is repeated.
        super().__init__("The form could not be read.", remedy="Open the page again and send it once more.")


@dataclass(slots=True)
class Upload:
    """A file on its way; `content` must be read before the next part comes."""

    name: str
    filename: str
    media_type: str
    content: AsyncIterator[bytes]


async def parts(request: Request) -> AsyncIterator[tuple[str, str] | Upload]:
    """The parts of a multipart form in their order: fields as (name, value), files as Upload."""
    reading = _Reading(request)
    while (part := await reading.next_part()) is not None:
        yield part
        await reading.drain()


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form that has no files; what files it has all the same are passed over."""
    return {part[0]: part[1] async for part in parts(request) if isinstance(part, tuple)}


class _Reading:
    def __init__(self, request: Request) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise BadForm
        self.stream = request.stream()
        self.events: deque[tuple[str, bytes]] = deque()
        self.parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": lambda: self._note("begin"),
                "on_part_data": lambda data, start, end: self._note("data", data[start:end]),
                "on_part_end": lambda: self._note("end"),
                "on_header_field": lambda data, start, end: self._note("field", data[start:end]),
                "on_header_value": lambda data, start, end: self._note("value", data[start:end]),
                "on_header_end": lambda: self._note("header"),
                "on_headers_finished": lambda: self._note("headers"),
                "on_end": lambda: self._note("over"),
            },
        )
        self.ended = False
        self.in_file = False
        self.fields_size = 0
        self.count = 0

    def _note(self, event: str, data: bytes = b"") -> None:
        self.events.append((event, data))

    async def _event(self) -> tuple[str, bytes] | None:
        while not self.events:
            if self.ended:
                return None
            await self._feed()
        return self.events.popleft()

    async def _feed(self) -> None:
        try:
            async with asyncio.timeout(SILENCE):
                piece = await anext(self.stream, None)
            if piece is None:
                self.ended = True
                self.parser.finalize()
            elif piece:
                self.parser.write(piece)
        except (MultipartParseError, ClientDisconnect, TimeoutError):
            raise BadForm from None

    async def next_part(self) -> tuple[str, str] | Upload | None:
        """The next part, or None at the form's end."""
        headers = await self._headers()
        if headers is None:
            return None
        _kind, options = parse_options_header(headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self.in_file = True
            filename = options[b"filename"].decode("utf-8", "replace").replace("\\", "/").rsplit("/", 1)[-1]
            media_type = headers.get(b"content-type", b"").decode("latin-1")
            return Upload(name, filename, media_type, self._content())
        value = bytearray()
        while (data := await self._data()) is not None:
            value += data
            self.fields_size += len(data)
            if self.fields_size > LARGEST_FIELDS:
                raise BadForm
        return name, value.decode("utf-8", "replace")

    async def _headers(self) -> dict[bytes, bytes] | None:
        """The headers of the next part, names in small letters."""
        headers: dict[bytes, bytes] = {}
        field, value = b"", b""
        self.count += 1
        while (event := await self._event()) is not None and self.count <= MOST_PARTS:
            match event:
                case ("field", data):
                    field += data
                case ("value", data):
                    value += data
                case ("header", _):
                    headers[field.lower()] = value
                    field, value = b"", b""
                case ("headers", _):
                    return headers
                case ("over", _):
                    return None
        # A form that has no end did not arrive whole.
        raise BadForm

    async def _data(self) -> bytes | None:
        """The next piece of the part's content; None at its end."""
        event = await self._event()
        if event is None:
            raise BadForm
        return event[1] if event[0] == "data" else None

    async def _content(self) -> AsyncIterator[bytes]:
        while self.in_file:
            data = await self._data()
            if data is None:
                self.in_file = False
                return
            yield data

    async def drain(self) -> None:
        """Pass over what nobody read of a file."""
        async for _piece in self._content():
            pass


def text_of(values: dict[str, Any], name: str, most: int = 20_000) -> str:
    """A field's text without control characters, its line ends as one."""
    value = str(values.get(name, "")).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in value if c == "\n" or c == "\t" or c.isprintable()).strip()[:most]
