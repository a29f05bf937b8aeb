"""The 34 provinces as a grid of tiles: where each stands and how dark it is; a picture, not a map."""

from dataclasses import dataclass
from typing import Final

from portal.language import N_
from registry.overview import ProvinceCount

SIDE: Final = 58
GAP: Final = 4
# province -> (row, column, short name)
PLACES: Final[dict[str, tuple[int, int, str]]] = {
    "23": (0, 8, N_("黑")),
    "15": (1, 6, N_("内蒙古")),
    "22": (1, 8, N_("吉")),
    "65": (2, 0, N_("新")),
    "62": (2, 3, N_("甘")),
    "64": (2, 4, N_("宁")),
    "14": (2, 5, N_("晋")),
    "11": (2, 6, N_("京")),
    "13": (2, 7, N_("冀")),
    "21": (2, 8, N_("辽")),
    "63": (3, 2, N_("青")),
    "61": (3, 4, N_("陕")),
    "41": (3, 5, N_("豫")),
    "37": (3, 6, N_("鲁")),
    "12": (3, 7, N_("津")),
    "54": (4, 1, N_("藏")),
    "51": (4, 3, N_("川")),
    "50": (4, 4, N_("渝")),
    "42": (4, 5, N_("鄂")),
    "34": (4, 6, N_("皖")),
    "32": (4, 7, N_("苏")),
    "31": (4, 8, N_("沪")),
    "53": (5, 2, N_("云")),
    "52": (5, 3, N_("贵")),
    "43": (5, 4, N_("湘")),
    "36": (5, 5, N_("赣")),
    "33": (5, 7, N_("浙")),
    "45": (6, 3, N_("桂")),
    "44": (6, 5, N_("粤")),
    "35": (6, 6, N_("闽")),
    "71": (6, 8, N_("台")),
    "46": (7, 3, N_("琼")),
    "82": (7, 5, N_("澳")),
    "81": (7, 6, N_("港")),
}
SHADES: Final = 4


@dataclass(frozen=True)
class Tile:
    """One province's tile with its counts."""

    province: str
    short: str
    x: int
    y: int
    shade: int
    projects: int
    flagged: int
    land: int
    environment: int
    credit: int


@dataclass(frozen=True)
class Tiles:
    """The whole grid."""

    width: int
    height: int
    side: int
    tiles: tuple[Tile, ...]


def tiles_of(counts: list[ProvinceCount]) -> Tiles:
    """Every province, also those without projects; shade 0 is none, 4 the most flagged."""
    by_province = {count.province: count for count in counts}
    most = max((count.flagged for count in counts), default=0)
    tiles = []
    for province, (row, column, short) in PLACES.items():
        count = by_province.get(
            province, ProvinceCount(province=province, projects=0, flagged=0, land=0, environment=0, credit=0)
        )
        shade = 0 if not count.flagged else max(1, -(-count.flagged * SHADES // most))
        numbers = count.model_dump(exclude={"province"})
        tiles.append(Tile(province, short, column * (SIDE + GAP) + 2, row * (SIDE + GAP) + 2, shade, **numbers))
    return Tiles(9 * (SIDE + GAP) + 2, 8 * (SIDE + GAP) + 2, SIDE, tuple(tiles))
