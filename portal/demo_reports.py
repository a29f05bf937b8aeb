"""The demo's desk: keys that everybody may have, and two invented reports that the real intake functions sealed."""

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.private_files import write_private
from registry.reading import first, rows
from registry.settings import settings
from registry.tips.desk_keys import add_key, confirm_key, open_desk
from registry.tips.desks import read_desks
from registry.tips.private_keys import new_key_file
from registry.tips.receipts import new_receipt
from registry.tips.threads import keep_report
from registry.viewers import NATION, Viewer

DESK: Final = "demo-office"
# Who opens: one holds the key, the other confirmed it.
HOLDER, CONFIRMED_BY = "demo-reviewer", "demo-supervisor"
PASSPHRASE: Final = "demo only, never for real"  # noqa: S105  # everybody has it: it protects nothing
REPORTS: Final = (
    {
        "what": "虚构示例：厂区北侧围墙内连夜打桩，说是检修，实际在建第二条炼钢线，没有见过环评公示。",
        "project": {"number": "", "name": "", "words": "示例甲钢铁 二期"},
        "place": {"region": "130000", "name": "河北省"},
        "lane": "environment",
        "since": "2026 年春天",
        "who": "示例甲钢铁有限公司",
    },
    {
        "what": "虚构示例：停产的电解槽重新通电，每天夜里有车运走铝锭，白天对外说仍在停产。",
        "project": {"number": "", "name": "", "words": "示例乙铝业"},
        "place": {"region": "370000", "name": "山东省"},
        "lane": "approval",
        "since": "两个月前",
        "who": "示例乙铝业有限公司",
    },
)


def demo_folder() -> Path:
    """Where the demo desk's private key and the reports' receipts lie."""
    return settings().data_folder / "demo-desk"


async def add_demo_reports(on: AsyncEngine, today: date) -> int:
    """Open the demo's desk and send it two reports, once; how many were sent."""
    async with transaction(on) as session:
        if await first(session, "SELECT 1 AS one FROM tip_desks WHERE organisation_id = :id", id=DESK):
            return 0
        people = await rows(session, "SELECT login, id FROM accounts WHERE organisation_id = :id", id=DESK)
        accounts: dict[str, Any] = {one["login"]: one["id"] for one in people}
        if not {HOLDER, CONFIRMED_BY} <= set(accounts):
            return 0
        loader = Viewer("person", actor="demo", region=NATION, permissions=frozenset({"accounts"}))
        await open_desk(session, loader, DESK, today, two_people=False)
        content, recipient = new_key_file(PASSPHRASE)
        key = (DESK, "A", recipient, accounts[HOLDER])
        mark = await add_key(session, _person(HOLDER, accounts), key, today, demo=True)
        await confirm_key(session, _person(CONFIRMED_BY, accounts), DESK, mark)
        desk = next(one for one in await read_desks(session) if one.id == DESK)
    told = [f"演示密钥，切勿用于真实举报 · demo keys, never for real reports\n口令 · passphrase: {PASSPHRASE}\n"]
    for said in REPORTS:
        receipt = new_receipt()
        await keep_report(on, receipt, desk, json.dumps(said, ensure_ascii=False).encode(), None, today)
        told.append(f"回执 · receipt: {''.join(receipt.words('zh'))} · {' '.join(receipt.words('en'))}\n")
    folder = demo_folder()
    for name, text in (("key.age", content), ("README.txt", "".join(told).encode())):
        (folder / name).unlink(missing_ok=True)
        write_private(folder / name, text)
    return len(REPORTS)


def _person(login: str, accounts: dict[str, Any]) -> Viewer:
    return Viewer("person", account_id=accounts[login], actor="demo", organisation_id=DESK)
