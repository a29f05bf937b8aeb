"""The stage on which one instance of a story is told: an invented enterprise in a province and sector."""

from dataclasses import dataclass, field
from datetime import date

from deploy.demo import invented
from deploy.demo.acts import Telling, act
from deploy.demo.chance import LAST_ACT, Chance, days_after
from deploy.demo.course import formalities
from deploy.demo.invented import Registry, Wish
from deploy.demo.regions import Place
from deploy.demo.sectors import SECTORS
from deploy.demo.world import Finding, Json, Undertaking, World

LAND = "land-without-approval"
PERMIT = "permit-without-approval"
CREDIT = "credit-without-formalities"
CODE = "project-code-misused"
NEW_APPROVED = "new-capacity-approved"
NEW_SUPPORTED = "new-capacity-supported"
HALTED = "halted-project-supported"
CAPACITY = "capacity-over-approval"
BACKWARD = "backward-equipment-running"
LAND_BACKWARD = "land-to-backward-capacity"


def finding(rule: str, *reasons: str) -> tuple[Finding, ...]:
    """One finding, as a story's record expects it."""
    return ((rule, tuple(sorted(reasons))),)


@dataclass
class Scene:
    """What a story works with; remembers whom it is told of."""

    world: World
    registry: Registry
    chance: Chance
    story: str
    number: int  # the instance, from 0
    province: str
    sector: str
    place: Place = field(init=False)
    enterprises: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = invented.place_of(self.chance, self.province)

    def company(self, registered: bool = True, place: Place | None = None, trade: str | None = None) -> Json:
        """An invented company of the scene's sector."""
        words = trade or self.chance.one(SECTORS[self.sector].trades)
        company = self.registry.enterprise(self.chance, place or self.place, words, registered)
        if registered:
            self.enterprises.append(company["reference"])
        return company

    def project(self, wish: Wish, owner: Json | None = None) -> Undertaking:
        """A project without approvals; its owner's only one unless the story goes on."""
        undertaking = invented.project(self.registry, self.chance, owner or self.company(), self.sector, wish)
        self.projects.append(undertaking.project["reference"])
        return undertaking

    def approved(
        self, issued: date, wish: Wish | None = None, owner: Json | None = None, **more: object
    ) -> Undertaking:
        """A project with one filing."""
        undertaking = self.project(wish or Wish(code_on=days_after(issued, -30)), owner)
        invented.approve(self.chance, undertaking, issued, **more)  # type: ignore[arg-type]  # kind or approval fields
        return undertaking

    def day(self, first_year: int = 2016, last_year: int = 2021) -> date:
        """A day of those years."""
        return self.chance.day(date(first_year, 1, 1), date(last_year, 12, 31))

    def by(self, *ways: str) -> str:
        """How this instance's records identify themselves: the ways take turns over the instances."""
        return ways[self.number % len(ways)]

    def tell(
        self, what: str, on: date, undertaking: Undertaking, findings: tuple[Finding, ...] = (), **telling: object
    ) -> None:
        """Add a record of the story with the findings due to it."""
        if on > LAST_ACT:
            raise AssertionError(f"{self.story}: {on} lies beyond the demo's time")
        told = Telling(findings=findings, story=self.story, **telling)  # type: ignore[arg-type]  # Telling checks names
        self.world.drafts.append(act(self.chance, what, on, undertaking, told))

    def formalities(self, undertaking: Undertaking, skip: tuple[str, ...] = ()) -> date:
        """The lawful formalities but those skipped; the day after the last."""
        for draft in formalities(self.chance, undertaking, skip):
            draft.story = self.story
            self.world.drafts.append(draft)
        if undertaking.ready is None:
            raise AssertionError("formalities set the day")
        return undertaking.ready
