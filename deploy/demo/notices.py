"""Public notices and reported violations, as published: cited, unverified, never judged."""

import csv
import re
from collections import defaultdict
from pathlib import Path

from deploy.demo.plants import plain
from deploy.demo.sources import NOTICES
from deploy.demo.world import Json

DATA = Path(__file__).parent / "data" / "notices"

KINDS = {"closure_list": "closure", "closure_list_amendment": "closure_amendment", "quota_transfer": "aluminium_quota"}
SECTORS = {"flat_glass": "glass", "alumina": "other", "building_materials": "other"}
NEEDS_REVIEW = {
    "N01": "数字不能相合：新建炼铁500.84万吨减去退出148.34万吨应为352.50万吨，转述的公告写作265.5万吨；"
    "退出产能须补足后方可备案。 / The figures do not add up: 500.84 less 148.34 is 352.50, not 265.5 (10,000 t).",
}
LANES = {"project": "approval", "finance": "credit"}


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def registered_names(enterprises: list[Json]) -> dict[str, str]:
    """Registered and former Chinese names -> the one enterprise that bears them."""
    found: dict[str, set[str]] = defaultdict(set)
    for enterprise in enterprises:
        former = [name["name"] for name in enterprise["names"] if name["kind"] in ("former", "registered")]
        for name in [enterprise["name"], *former]:
            found[plain(name)].add(enterprise["reference"])
    return {name: references.pop() for name, references in found.items() if len(references) == 1}


def notices(enterprises: list[Json]) -> list[Json]:
    """Every notice with its items. An item refers to an enterprise only when the names are equal."""
    names = registered_names(enterprises)
    items: dict[str, list[Json]] = defaultdict(list)
    for row in _rows("replacement_units.csv"):
        items[row["notice_id"]].append(_item(names, row["role"], row["company"], row))
    for row in _rows("closures.csv"):
        capacity = {"capacity": row["capacity_wan_t"], "capacity_unit": "万吨" if row["capacity_wan_t"] else ""}
        place = {"place": row["province"], "equipment": row["equipment"], "note": row["note"]}
        items[row["notice_id"]].append(_item(names, "exit", row["company"], capacity | place))
    for row in _rows("aluminium_quota.csv"):
        quota = {"capacity": row["quota_wan_t"], "capacity_unit": "万吨", "note": row["status"]}
        items[row["notice_id"]].append(_item(names, "seller", row["seller"], quota))
        if row["buyer"]:
            items[row["notice_id"]].append(_item(names, "buyer", row["buyer"], quota))
    published = [_notice(row, items[row["notice_id"]]) for row in _rows("notices.csv")]
    return published + [_violation(names, row) for row in _rows("violations.csv")]


def _item(names: dict[str, str], role: str, name: str, row: dict[str, str]) -> Json:
    fields = ("place", "equipment", "size", "size_unit", "count", "capacity", "capacity_unit", "ratio", "note")
    item: Json = {"role": role, "enterprise_name": name}
    reference = names.get(plain(name))
    if reference is not None:
        item["enterprise_reference"] = reference
    return item | {field: row[field] for field in fields if row.get(field)}


def _notice(row: dict[str, str], items: list[Json]) -> Json:
    notice: Json = {
        "reference": f"notice:{row['notice_id']}",
        "kind": KINDS.get(row["kind"], row["kind"]),
        "sector": row["sector"],
        "date": row["date"],
        "date_text": f"{row['date']} ({row['date_basis']})",
        "issuer": row["issuer"],
        "title": row["title"],
        "url": row["source_url"],
        "unverified": True,
        "source": NOTICES,
        "items": items,
    }
    if row["notice_id"] in NEEDS_REVIEW:
        notice["needs_review"] = NEEDS_REVIEW[row["notice_id"]]
    return notice


def _violation(names: dict[str, str], row: dict[str, str]) -> Json:
    unnamed = "未具名" in row["company"]
    item = _item(names, "named", row["company"], {"note": row["project"], "capacity": row["capacity"]})
    return {
        "reference": f"notice:{row['id']}",
        "kind": "reported_violation",
        "sector": SECTORS.get(row["sector"], row["sector"]),
        "date": row["date"] if re.fullmatch(r"\d{4}-\d\d-\d\d", row["date"]) else None,
        "date_text": row["date"],
        "issuer": row["authority"],
        "title": row["project"] or row["company"],
        "url": row["source_url"],
        "lane": LANES.get(row["lane"], row["lane"]),
        "violation_type": row["violation_type"],
        "unverified": True,
        "source": NOTICES,
        "items": [] if unnamed else [item],
    }
