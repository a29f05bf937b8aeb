"""Regions as the demo needs them: present counties with their centres, the region of an address, old codes."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"

PROVINCE_IN_ENGLISH = {
    "Beijing": "11", "Tianjin": "12", "Hebei": "13", "Shanxi": "14", "Inner Mongolia": "15", "Liaoning": "21",
    "Jilin": "22", "Heilongjiang": "23", "Shanghai": "31", "Jiangsu": "32", "Zhejiang": "33", "Anhui": "34",
    "Fujian": "35", "Jiangxi": "36", "Shandong": "37", "Henan": "41", "Hubei": "42", "Hunan": "43", "Guangdong": "44",
    "Guangxi": "45", "Hainan": "46", "Chongqing": "50", "Sichuan": "51", "Guizhou": "52", "Yunnan": "53",
    "Tibet": "54", "Shaanxi": "61", "Gansu": "62", "Qinghai": "63", "Ningxia": "64", "Xinjiang": "65",
}  # fmt: skip
PROVINCE_SIGN = {
    "11": "京", "12": "津", "13": "冀", "14": "晋", "15": "内", "21": "辽", "22": "吉", "23": "黑", "31": "沪",
    "32": "苏", "33": "浙", "34": "皖", "35": "闽", "36": "赣", "37": "鲁", "41": "豫", "42": "鄂", "43": "湘",
    "44": "粤", "45": "桂", "46": "琼", "50": "渝", "51": "川", "52": "黔", "53": "滇", "54": "藏", "61": "陕",
    "62": "甘", "63": "青", "64": "宁", "65": "新",
}  # fmt: skip
# Names that addresses still use for what the table of 2023 calls otherwise (province and old name -> present code).
RENAMED = {
    ("13", "滦县"): "130284", ("37", "邹平县"): "371681", ("14", "潞城市"): "140406", ("13", "邢台县"): "130503",
    ("41", "孟津县"): "410308", ("36", "龙南县"): "360783", ("34", "繁昌县"): "340212", ("22", "九台市"): "220113",
    ("53", "蒙自县"): "532503", ("53", "禄丰县"): "532302", ("32", "清浦区"): "320812", ("34", "铜官山区"): "340705",
    ("34", "三山区"): "340209", ("21", "金州新区"): "210213", ("15", "包头市昆区"): "150203",
    ("45", "企沙"): "450602", ("65", "巴音郭楞州和静"): "652827", ("13", "井阱矿区"): "130107",
    ("62", "嘉峪关"): "620200",
}  # fmt: skip
# present code -> (code before, name before, first day of the present code): agencies go on using the old one.
FORMER_CODES = {
    "130209": ("130230", "唐海县", "2012-07-11"),
    "130284": ("130223", "滦县", "2018-09-10"),
    "370116": ("371202", "莱城区", "2018-12-26"),
    "370117": ("371203", "钢城区", "2018-12-26"),
}
# Same code, old name: 襄樊市 became 襄阳市 in 2010 and the old name lives on in addresses.
FORMER_CITY_NAMES = {"4206": ("襄阳市", "襄樊市")}


@dataclass(frozen=True)
class Place:
    """A county with the names above it and its centre."""

    code: str
    name: str
    city: str
    province: str
    longitude: str
    latitude: str

    @property
    def stem(self) -> str:
        """The place word that company names begin with: the city's, else the county's."""
        word = self.city if self.city.endswith("市") and len(self.city) <= 4 else self.name
        return re.sub(r"(市|县|区|旗)$", "", word)

    @property
    def full_name(self) -> str:
        """The address down to the county."""
        return (self.province if self.city == self.province else self.province + self.city) + self.name


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / "regions" / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@cache
def provinces() -> dict[str, str]:
    """Two digits of a province -> its name, 31 of them."""
    return {row["code"]: row["name"] for row in _rows("provinces.csv")}


@cache
def places() -> dict[str, Place]:
    """Every present county by its code."""
    cities = {row["code"]: row["name"] for row in _rows("cities.csv")}
    centres = {row["adcode"][:6]: (row["longitude"], row["latitude"]) for row in _rows("centres.csv")}
    found = {}
    for row in _rows("areas.csv"):
        province = provinces()[row["provinceCode"]]
        city = cities[row["cityCode"]]
        if city == "市辖区" or (city.endswith("县") and row["provinceCode"] == "50"):
            city = province
        if "直辖县级" in city:
            city = row["name"]
        longitude, latitude = centres.get(row["code"], ("", ""))
        found[row["code"]] = Place(row["code"], row["name"], city, province, longitude, latitude)
    return found


@cache
def _cities_of(province: str) -> list[tuple[str, str]]:
    listed = [(row["code"], row["name"]) for row in _rows("cities.csv") if row["provinceCode"] == province]
    return [(code, name) for code, name in listed if name not in ("市辖区", "县") and "直辖县级" not in name]


def _stem(name: str) -> str:
    short = re.sub(r"(自治州|自治县|地区|市|县|区|盟|旗)$", "", name)
    return short if len(short) >= 2 else name


def _longest(candidates: list[tuple[str, str]], text: str) -> str | None:
    """The code whose name stands in the text, earliest first, then longest: 新绛县 holds 绛县 within it."""
    found = [(text.index(name), -len(name), code) for code, name in candidates if name in text]
    return min(found)[2] if found else None


def resolve(address: str, province: str) -> str:
    """The six digits of an address within a province: county where it says so, else city, else province."""
    for (old_province, old_name), code in RENAMED.items():
        if old_province == province and old_name in address:
            return code
    cities = _cities_of(province)
    city = _longest(cities, address) or _longest([(code, _city_word(name)) for code, name in cities], address)
    counties = [
        (place.code, place.name)
        for place in places().values()
        if place.code[:2] == province and place.code[:4] == (city or place.code[:4])
    ]
    rest = address
    for name in [name for code, name in cities if code == city]:
        rest = rest.replace(name, "", 1) if name in rest else rest.replace(_city_word(name), "", 1)
    county = _longest(counties, rest) or _longest([(code, _stem(name)) for code, name in counties], rest)
    if county is None and city is None:
        return province + "0000"
    return county or f"{city}00"


def _city_word(name: str) -> str:
    """How addresses shorten a city: 红河哈尼族彝族自治州 is 红河州, 石嘴山市 is 石嘴山."""
    if name.endswith("自治州"):
        known = ("红河", "伊犁", "昌吉", "巴音郭楞", "楚雄", "黔东南", "黔西南", "克孜勒苏", "博尔塔拉")
        return next((word for word in known if name.startswith(word)), name[:2])
    return _stem(name)


def full_name(code: str) -> str:
    """The name of a region from the province down, as an address begins."""
    if code in places():
        return places()[code].full_name
    if code.endswith("0000"):
        return provinces()[code[:2]]
    return provinces()[code[:2]] + dict(_cities_of(code[:2])).get(code[:4], "")


def city_of(code: str) -> str:
    """The code of the city above a county (of the municipality for the four of them)."""
    return code[:2] + "0000" if code[:2] in ("11", "12", "31", "50") else code[:4] + "00"


def contains(outer: str, inner: str) -> bool:
    """Whether one region is the other or lies above it."""
    return inner.startswith(outer[:2] if outer.endswith("0000") else outer[:4] if outer.endswith("00") else outer)


def common(codes: list[str]) -> str:
    """The smallest region that holds them all."""
    if len(set(codes)) == 1:
        return codes[0]
    if len({code[:4] for code in codes}) == 1:
        return codes[0][:4] + "00"
    return codes[0][:2] + "0000"
