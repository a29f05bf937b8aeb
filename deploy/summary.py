"""Where to look once everything is up: the addresses worth opening first."""

import json
from pathlib import Path
from urllib.parse import quote

# A real plant that the demo registers from public data.
PLANT = "首钢京唐"


def where_to_look(portal: str, api_key: Path, demo: Path | None, *, intake: str = "") -> list[str]:
    """Lines for the terminal; with the demo also a real plant and an invented enterprise that is flagged."""
    rows = [
        ("门户 · the portal", portal),
        ("接口文档 · API documentation", f"{portal}api/docs"),
        # The file and not the key: what a terminal shows may be read over a shoulder or kept in a log.
        ("接口密钥(写入用)在文件中 · the API key for writing is in the file", str(api_key)),
    ]
    if intake:
        rows.insert(1, ("公众举报 · reports from the public", intake))
    if demo is not None:
        # Signed in as demo-reviewer; the folder holds the demo's key, its passphrase and the receipts.
        rows.append(("打开演示举报 · open the demo's reports", f"{portal}tips"))
        rows.append(("演示密钥和回执 · the demo's key and receipts", str(demo.parent / "demo-desk")))
        rows.append((f"查找企业 · search a plant: {PLANT}", f"{portal}search?q={quote(PLANT)}"))
        invented = _an_invented_enterprise(demo)
        if invented is not None:
            rows.append((f"虚构示例,有标记 · invented and flagged: {invented}", f"{portal}search?q={quote(invented)}"))
        rows.append(("案件和工作台,以 demo-reviewer 登录 · cases and a desk, as demo-reviewer", f"{portal}desk"))
    return ["", *(f"  {words}\n      {address}" for words, address in rows), ""]


def _an_invented_enterprise(demo: Path) -> str | None:
    """The name of the enterprise of the first told evasion."""
    try:
        stories = json.loads((demo / "stories.json").read_text(encoding="utf-8"))
        wanted = stories[0]["enterprise_references"][0]
        with (demo / "enterprises.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                if wanted in line and (enterprise := json.loads(line))["reference"] == wanted:
                    return str(enterprise["name"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return None
