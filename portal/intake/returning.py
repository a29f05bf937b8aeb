"""Coming back with the receipt: answers are read, texts and files added; right and wrong receipts look alike.

Every answer here has one size and comes at one of a few moments, whatever was found, so that neither the line nor a
watch tells a right receipt from a wrong one.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from portal.intake.form_stream import BadForm, Upload, fields, parts, text_of
from portal.intake.pacing import Pace
from portal.intake.rendering import guard, language_of, render
from portal.language import _, speaking
from registry.clock import today
from registry.errors import NotFound, ThreegatesError
from registry.tips.desks import Desk, read_desks
from registry.tips.receipts import Receipt, decoy_receipt, read_receipt
from registry.tips.sealing import LARGEST_FILE, CannotOpen, Header, open_sealed
from registry.tips.threads import OwnThread, as_intake, intake_engine, keep_addition, keep_file, read_thread

# A page of five answers, and the same sealed, in base64.
PAGE_SIZE: Final = 128 * 1024
# An answer is given this long after its question, or at the next multiple where that is not enough.
FLOOR: Final = 0.4
_NEWEST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as the page shows it."""

    day: date
    text: str


class Returning:
    """The views; they share the pace at which receipts are looked up."""

    def __init__(self, pace: Pace, uploads: asyncio.Semaphore) -> None:
        self.pace = pace
        self.uploads = uploads

    async def ask(self, request: Request) -> Response:
        """Where the receipt is typed; the answer is decrypted by the server for that one request."""
        return render(request, "come_back.html", errors={})

    async def ask_with_script(self, request: Request) -> Response:
        """The same where the page's own script reads the receipt and never sends it."""
        return render(request, "come_back_script.html", script=True)

    async def show(self, request: Request) -> Response:
        """The thread of a receipt that was sent."""

        async def answer() -> Response:
            form = await fields(request)
            older_than = _number(form.get("older_than"))
            receipt = read_receipt(form.get("receipt", ""))
            return await self._show(request, receipt, older_than, "")

        return await self._evenly(answer)

    async def add(self, request: Request) -> Response:
        """A further text and files for a thread; sealed as they stream in."""

        async def answer() -> Response:
            said, receipt = await self._take(request)
            return await self._show(request, receipt, _NEWEST, said)

        return await self._evenly(answer)

    async def sealed(self, request: Request) -> Response:
        """For the page's script: the answers, still sealed, under the lookup secret that it derived."""

        async def answer() -> Response:
            form = await fields(request)
            lookup, right = _lookup(form.get("lookup", ""))
            thread = await read_thread(intake_engine(), lookup, _number(form.get("older_than")))
            found = thread is not None and right
            said: dict[str, Any] = {"found": found}
            if found and thread is not None:
                said |= {
                    "day": thread.day.isoformat(),
                    "sent": thread.sent,
                    "older": thread.older,
                    "answers": [
                        {"day": one.day.isoformat(), "sealed": base64.b64encode(one.sealed).decode()}
                        for one in thread.answers
                    ],
                }
            body = json.dumps(said).encode()
            answer = Response(_padded_json(body), media_type="application/json")
            guard(answer)
            return answer

        return await self._evenly(answer)

    async def add_with_script(self, request: Request) -> Response:
        """What the page's script adds under its lookup secret; answers in JSON."""

        async def answer() -> Response:
            with speaking(language_of(request)):
                said, _receipt = await self._take(request)
            answer = Response(_padded_json(json.dumps({"said": said}).encode()), media_type="application/json")
            guard(answer)
            return answer

        return await self._evenly(answer)

    # ----------------------------------------------------------------------------------------------------------------

    async def _evenly(self, answer: Callable[[], Awaitable[Response]]) -> Response:
        """Give an answer at the next multiple of FLOOR."""
        await self.pace.turn()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await answer()
        finally:
            passed = loop.time() - began
            await asyncio.sleep(FLOOR - passed % FLOOR)

    async def _show(self, request: Request, receipt: Receipt | None, older_than: int, said: str) -> Response:
        used = receipt or decoy_receipt()
        identity = used.identity
        thread = await read_thread(intake_engine(), used.lookup, older_than)
        if receipt is None:
            thread = None
        with speaking(language_of(request)):
            answers = [_opened(one.day, one.sealed, identity) for one in thread.answers] if thread else []
            written = "".join(used.words("zh"))
            return render(
                request,
                "thread.html",
                size=PAGE_SIZE,
                thread=thread,
                answers=answers,
                receipt=written if thread else "",
                said=said if thread else "",
                largest=LARGEST_FILE // 1024**2,
            )

    async def _take(self, request: Request) -> tuple[str, Receipt | None]:
        """Read a text and files for a thread; what to say of it, and the receipt where that was sent."""
        with speaking(language_of(request)):
            form: dict[str, str] = {}
            lookup = decoy_receipt().lookup
            receipt: Receipt | None = None
            thread: OwnThread | None = None
            desk: Desk | None = None
            asked, added = False, 0
            problem = ""
            async for part in parts(request):
                if not isinstance(part, tuple):
                    if part.filename and thread and desk and not problem:
                        problem = await self._add_file(lookup, desk, part)
                        added += not problem
                    continue
                form[part[0]] = part[1]
                if part[0] in ("receipt", "lookup") and not asked:
                    asked = True
                    receipt = read_receipt(part[1]) if part[0] == "receipt" else None
                    lookup = receipt.lookup if receipt else _lookup(part[1])[0]
                    thread = await read_thread(intake_engine(), lookup)
                    desk = await _desk_of(thread)
            if not asked:
                raise BadForm
            text = text_of(form, "text")
            if thread is None:
                return _("没有与此回执对应的举报。"), None
            if desk is None:
                return _("接收单位目前没有可用的密钥，没有保存。请过些时候再来。"), receipt
            if problem:
                return problem, receipt
            if not text and not added:
                return _("请写下要补充的内容，或选择文件。"), receipt
            if text:
                said = json.dumps({"what": text}, ensure_ascii=False).encode("utf-8", "replace")
                await keep_addition(intake_engine(), lookup, desk, said, today())
            return _("已封存并送达。"), receipt

    async def _add_file(self, lookup: bytes, desk: Desk, upload: Upload) -> str:
        async def content() -> AsyncIterator[bytes]:
            async for piece in upload.content:
                yield piece

        header = Header("file", upload.filename, upload.media_type)
        try:
            async with self.uploads:
                await keep_file(intake_engine(), desk, header, content(), today(), lookup=lookup)
        except NotFound:
            return _("没有与此回执对应的举报。")
        except ThreegatesError as error:
            if error.status != 413:
                raise
            return _("单个文件最多 {size} MiB；请分成几份，或只发送要紧的部分。", size=LARGEST_FILE // 1024**2)
        return ""


async def _desk_of(thread: OwnThread | None) -> Desk | None:
    async with as_intake(intake_engine()) as session:
        desks = await read_desks(session)
    wanted = thread.organisation_id if thread else ""
    return next((desk for desk in desks if desk.id == wanted and desk.can_receive), None)


def _opened(day: date, sealed: bytes, identity: Any) -> Shown:
    try:
        opened = open_sealed(sealed, [[identity]])
        return Shown(day, opened.content.decode("utf-8", "replace"))
    except CannotOpen:
        return Shown(day, _("（这条答复无法打开）"))


def _lookup(written: str) -> tuple[bytes, bool]:
    """The lookup secret that a script sent; one of nothing where it is none."""
    try:
        lookup = bytes.fromhex(written.strip())
    except ValueError:
        lookup = b""
    return (lookup, True) if len(lookup) == 32 else (secrets.token_bytes(32), False)


def _number(written: str | None) -> int:
    return int(written) if written and written.isdecimal() and len(written) < 10 else _NEWEST


def _padded_json(body: bytes) -> bytes:
    """JSON made longer by blanks."""
    return body + b" " * (-len(body) % (PAGE_SIZE * 2))
