"""The real steel plants of Global Energy Monitor as enterprises and projects: owners, sites, capacities, output."""

import csv
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from deploy.demo import regions
from deploy.demo.numbers import uscc
from deploy.demo.sources import GEM
from deploy.demo.world import Json

DATA = Path(__file__).parent / "data" / "gem"

STAGES = {
    "operating": ("operating", "在产产能"),
    "operating pre-retirement": ("pre_retirement", "在产待退出产能"),
    "construction": ("construction", "在建产能"),
    "announced": ("announced", "拟建产能"),
    "mothballed": ("mothballed", "停产封存产能"),
    "retired": ("retired", "已退出产能"),
    "cancelled": ("cancelled", "已取消产能"),
}
PROCESSES = (
    ("Nominal BOF steel capacity (ttpa)", "crude_steel", "BOF"),
    ("Nominal EAF steel capacity (ttpa)", "crude_steel", "EAF"),
    ("Nominal OHF steel capacity (ttpa)", "crude_steel", "OHF"),
    ("Other/unspecified steel capacity (ttpa)", "crude_steel", "other"),
    ("Nominal BF capacity (ttpa)", "pig_iron", "BF"),
    ("Nominal DRI capacity (ttpa)", "pig_iron", "DRI"),
    ("Other/unspecified iron capacity (ttpa)", "pig_iron", "other"),
)
PRODUCTION = {"Crude steel production (ttpa)": "crude_steel", "Iron production (ttpa)": "pig_iron"}
YEARS = ("2019", "2020", "2021", "2022", "2023", "2024")
UNKNOWN = ("", "unknown", "N/A")
# GEM prints a dash for 一 in 八一.
MISPRINTS = {"新疆八—钢铁": "新疆八一钢铁"}


@dataclass(frozen=True)
class RealProject:
    """A project made of one status row, with the start that GEM knows."""

    project: Json
    owner: Json
    started: date | None
    status: str


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def plain(name: str) -> str:
    """A name without width, space and bracket differences, for telling whether two are the same."""
    return re.sub(r"[\s()\[\]·,，]", "", unicodedata.normalize("NFKC", name))


def _tonnes(value: str) -> int | None:
    """Thousand tonnes a year as tonnes; None for unknown, empty and '>0', which state no amount."""
    return round(float(value) * 1000) if re.fullmatch(r"\d+(\.\d+)?", value.strip()) else None


def _day(value: str) -> date | None:
    if re.fullmatch(r"\d{4}-\d\d-\d\d 00:00:00", value):
        return date.fromisoformat(value[:10])
    return date(int(value), 1, 1) if re.fullmatch(r"\d{4}", value) else None


def _chinese(text: str) -> str:
    for wrong, right in MISPRINTS.items():
        text = text.replace(wrong, right)
    parts = [part.strip() for part in text.split(";")]
    return next((part for part in parts if part and part not in ("persons", "unknown")), "")


def _split_names(text: str) -> list[str]:
    """Names of a list parted by commas, brackets left whole."""
    return [part.strip() for part in re.split(r",\s*(?![^(（]*[)）])", text) if part.strip() not in UNKNOWN]


def _parents(plant: dict[str, str], known: set[str], own: str) -> list[Json]:
    """Shareholders out of 'X [65.2%]; Y [8.6%]'; the undisclosed rest is left out."""
    references = [part.strip() for part in plant["Parent GEM ID"].split(";")]
    parents: list[Json] = []
    for position, part in enumerate(plant["Parent"].split(";")):
        match = re.fullmatch(r"\s*(.+?)\s*\[([\d.]+)%\]\s*", part)
        if match is None or match[1] in ("unknown", "natural person(s)"):
            continue
        identifier = references[position].split(" ")[0] if position < len(references) else ""
        if identifier == own:
            continue
        parent: Json = {"reference": f"gem:{identifier}"} if identifier in known else {}
        parents.append(parent | {"name": match[1], "share": match[2], "kind": "parent"})
    return parents


def _owner_id(plant: dict[str, str]) -> str:
    """The owner's GEM ID; of joint owners the first, as a project has one owner here."""
    return plant["Owner GEM ID"].split(";")[0].strip()


def _names(plants: list[dict[str, str]], name: str, taken: dict[str, str], own: str) -> list[Json]:
    """Other names of the owner itself. A plant that is called otherwise may be another legal person: its names stay
    with the site."""
    names: list[Json] = []
    seen = {plain(name)}
    for plant in plants:
        english = plant["Owner"].split(";")[0].strip()
        if english not in UNKNOWN and plain(english) not in seen:
            seen.add(plain(english))
            names.append({"name": english, "kind": "english"})
        if plain(name) not in {plain(part) for part in _split_names(_chinese(plant["Plant name (other language)"]))}:
            continue
        for other in _split_names(plant["Other plant names (other language)"]):
            predecessor = "前身" in other
            clean = re.sub(r"\s*[(（]前身[)）]", "", other)
            if plain(clean) in seen or taken.get(plain(clean), own) != own or " " in clean:
                continue
            seen.add(plain(clean))
            names.append({"name": clean, "kind": "former" if predecessor else "other"})
    return names


def _production(plants: list[dict[str, str]], rows: dict[str, list[dict[str, str]]]) -> list[Json]:
    """Production of all plants of an owner; a year in which any plant's amount is unknown is left out."""
    found: list[Json] = []
    for label, product in PRODUCTION.items():
        lines = [[row for row in rows[plant["Plant ID"]] if row["Type of production"] == label] for plant in plants]
        for year in YEARS:
            amounts = [_tonnes(line[0][year]) if line else None for line in lines]
            if all(amount is not None for amount in amounts):
                total = sum(amount for amount in amounts if amount is not None)
                found.append({"year": int(year), "product": product, "amount": str(total), "unit": "t"})
    return found


def _capacities(row: dict[str, str]) -> list[Json]:
    lines = [(product, process, _tonnes(row[column])) for column, product, process in PROCESSES]
    return [
        {"product": product, "amount": str(amount), "unit": "t/a", "process": process}
        for product, process, amount in lines
        if amount
    ]


def _region(plant: dict[str, str]) -> str:
    province = regions.PROVINCE_IN_ENGLISH[plant["Subnational unit (province/state)"]]
    return regions.resolve(plant["Other language location address"], province)


def _site_name(plant: dict[str, str], same_named: int) -> str:
    name = _split_names(_chinese(plant["Plant name (other language)"]))[0]
    if same_named == 1:
        return name
    address = plant["Other language location address"]
    return f"{name}（{re.sub('^.*?(自治区|省)', '', address)}）"


def enterprises_and_projects() -> tuple[list[Json], list[RealProject]]:
    """All owners and one project for each status of each plant. USCCs are synthetic; codes and approvals come later."""
    plants = _rows("china_plants.csv")
    production: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows("china_production.csv"):
        production[row["Plant ID"]].append(row)
    by_owner: dict[str, list[dict[str, str]]] = defaultdict(list)
    for plant in plants:
        by_owner[_owner_id(plant)].append(plant)
    registered = {identifier: _owner_name(owned) for identifier, owned in by_owner.items()}
    taken = {plain(name): identifier for identifier, name in registered.items()}
    for plant in plants:  # a plant's own name may belong to nobody but its owner
        for name in _split_names(_chinese(plant["Plant name (other language)"])):
            taken.setdefault(plain(name), _owner_id(plant))
    counts: dict[str, int] = defaultdict(int)
    for owned in by_owner.values():  # a former name that two owners claim is nobody's for certain
        for name in {plain(n) for plant in owned for n in _split_names(plant["Other plant names (other language)"])}:
            counts[name] += 1
    taken.update({name: "several" for name, count in counts.items() if count > 1 and name not in taken})
    enterprises = {}
    for serial, (identifier, owned) in enumerate(by_owner.items(), start=1):
        enterprises[identifier] = _enterprise(identifier, owned, registered[identifier], taken, set(by_owner), serial)
        amounts = _production(owned, production)
        if amounts:
            enterprises[identifier]["production"] = amounts
    return list(enterprises.values()), _projects(plants, enterprises)


def _owner_name(owned: list[dict[str, str]]) -> str:
    """The registered name: Chinese where GEM has it, the plant's when owner and plant are one, else English."""
    first = owned[0]
    chinese = _chinese(first["Owner (other language)"])
    if chinese:
        return chinese
    if plain(first["Owner"]) == plain(first["Plant name (English)"]):
        return _split_names(_chinese(first["Plant name (other language)"]))[0]
    return first["Owner"]


def _enterprise(
    identifier: str, owned: list[dict[str, str]], name: str, taken: dict[str, str], known: set[str], serial: int
) -> Json:
    region = regions.common([_region(plant) for plant in owned])
    english = owned[0]["Owner"].split(";")[0].strip()
    return {
        "reference": f"gem:{identifier}",
        "uscc": uscc(region, serial),
        "name": name,
        **({"name_en": english} if english not in UNKNOWN else {}),
        "region": region,
        "address": owned[0]["Other language location address"],
        "names": _names(owned, name, taken, identifier),
        "owners": _parents(owned[0], known, identifier),
        "invented": False,
        "synthetic_fields": ["uscc"],
        "source": GEM,
    }


def _projects(plants: list[dict[str, str]], enterprises: dict[str, Json]) -> list[RealProject]:
    by_id = {plant["Plant ID"]: plant for plant in plants}
    same_named: dict[str, int] = defaultdict(int)
    for plant in plants:
        same_named[_split_names(_chinese(plant["Plant name (other language)"]))[0]] += 1
    found = []
    for row in _rows("china_capacity_status.csv"):
        plant = by_id[row["Plant ID"]]
        owner = enterprises[_owner_id(plant)]
        stage, words = STAGES[row["Status"]]
        site = _site_name(plant, same_named[_split_names(_chinese(plant["Plant name (other language)"]))[0]])
        latitude, longitude = (part.strip() for part in plant["Coordinates"].split(","))
        steel = any(row[column].strip() not in UNKNOWN for column, product, _ in PROCESSES if product == "crude_steel")
        project: Json = {
            "reference": f"gem:{plant['Plant ID']}:{stage}",
            "code": None,
            "name": f"{site}{'钢铁' if steel else '炼铁'}项目（{words}）",
            "name_en": f"{plant['Plant name (English)']}, {row['Status']} capacity",
            "owner": owner["reference"],
            "sector": "steel",
            "industry": "3120" if steel else "3110",
            "industry_edition": "2017",
            "region": _region(plant),
            "address": plant["Other language location address"],
            "longitude": float(longitude),
            "latitude": float(latitude),
            "nature": "expansion" if stage in ("construction", "announced", "cancelled") else "new_build",
            "stage": stage,
            "site": {"name": site, "reference": f"gem:{plant['Plant ID']}"},
            "capacities": _capacities(row),
            "approvals": [],
            "equipment": [],
            "invented": False,
            "synthetic_fields": ["code", "approvals", "nature"],
            "source": GEM,
        }
        found.append(RealProject(project, owner, _day(row["Start date"]), stage))
    return found
