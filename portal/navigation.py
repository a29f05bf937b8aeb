"""The navigation as data: sections in the bar, and below it the pages of the section one is in; a page is one line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from portal.language import N_, _
from registry.roles import Permission
from registry.viewers import Viewer


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the navigation: its address, its name, who is shown it, and the number that stands beside it."""

    address: str
    name: str
    allowed: tuple[Permission, ...] = ()  # any of these; nothing for everybody
    people_only: bool = False
    counted: str = ""

    def shown_to(self, viewer: Viewer) -> bool:
        """Whether the viewer has a use for the page."""
        if self.people_only and viewer.kind != "person":
            return False
        return not self.allowed or any(viewer.may(one) for one in self.allowed)


@dataclass(frozen=True, slots=True)
class Section:
    """Pages that belong together; with one page for the viewer, the bar names that page itself."""

    name: str
    places: tuple[Place, ...]


SECTIONS: Final = (
    Section(
        N_("我的工作"),
        (
            Place("/desk", N_("工作台"), ("internal",), people_only=True, counted="urgent"),
            Place("/alerts", N_("警报"), ("internal",), counted="alerts"),
            Place("/cases", N_("案件"), ("internal",), people_only=True),
            Place("/review", N_("核查"), ("register", "decide")),
            Place("/suspected", N_("疑似项目"), ("internal",)),
            Place("/tips", N_("举报"), ("decide",)),
            Place("/obligations", N_("逾期措施"), ("internal", "credit_own")),
        ),
    ),
    Section(
        N_("办理前核查"),
        (
            Place("/gate-check", N_("核查一笔"), ("gate",)),
            Place("/gate-check/batch", N_("批量核查"), ("gate",)),
            Place("/gate-check/mine", N_("本单位的核查"), ("gate",)),
            Place("/gate-check/notices", N_("失去依据的提醒"), ("gate",)),
            Place("/gate-check/marks", N_("未经或违反核查的行为"), ("gate",)),
        ),
    ),
    Section(N_("检索"), (Place("/search", N_("检索")),)),
    Section(N_("疑点"), (Place("/findings", N_("疑点")),)),
    Section(
        N_("公示与公告"),
        (
            Place("/notices", N_("公示与公告")),
            Place("/statistics", N_("处理情况统计")),
            Place("/accountability", N_("29 项任务")),
            Place("/reports", N_("举报的密钥指纹和统计")),
            Place("/publishing", N_("办理公布"), ("publish", "approve")),
        ),
    ),
    Section(
        N_("判定规则"),
        (Place("/rules", N_("判定规则")), Place("/rules/drafts", N_("参数草案"), ("internal",))),
    ),
    Section(
        N_("数据"),
        (
            Place("/status", N_("数据状况")),
            Place("/sources", N_("数据来源与许可")),
            Place("/projects/new", N_("登记项目"), ("register",)),
            Place("/projects/import", N_("导入"), ("register",)),
        ),
    ),
    Section(
        N_("管理"),
        (
            Place("/people", N_("人员"), ("accounts",)),
            Place("/organisations", N_("单位名录"), ("accounts",)),
            Place("/keys", N_("接口密钥"), ("accounts",)),
            Place("/webhooks", N_("推送"), ("accounts",)),
            Place("/audit", N_("审计"), ("audit",)),
        ),
    ),
    Section(N_("说明"), (Place("/about", N_("说明")),)),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the frame draws: an address, its words in the reader's language, and whether one is there."""

    href: str
    text: str
    active: bool


def navigation(
    viewer: Viewer, path: str, counts: Mapping[str, int], intake: str | None = None
) -> tuple[list[Entry], list[Entry]]:
    """The bar and, where the section one is in has several pages for the viewer, those pages; the public may report."""
    bar: list[Entry] = []
    beside: list[Entry] = []
    for section in SECTIONS:
        places = [place for place in section.places if place.shown_to(viewer)]
        if not places:
            continue
        here = _nearest(path, places)
        counted = sum(counts.get(place.counted, 0) for place in places)
        name = section.name if len(places) > 1 else places[0].name
        bar.append(Entry(places[0].address, _with_count(name, counted), here is not None))
        if here is not None and len(places) > 1:
            beside = [
                Entry(place.address, _with_count(place.name, counts.get(place.counted, 0)), place is here)
                for place in places
            ]
    if intake and viewer.kind == "public":
        bar.append(Entry(intake, _("公众举报"), active=False))
    return bar, beside


def _with_count(name: str, count: int) -> str:
    return f"{_(name)} {count}" if count else _(name)


def _nearest(path: str, places: list[Place]) -> Place | None:
    """The place whose address the path goes on from; of two the longer, as /rules/drafts is not /rules."""
    found = [place for place in places if path == place.address or path.startswith(place.address + "/")]
    return max(found, key=lambda place: len(place.address), default=None)
