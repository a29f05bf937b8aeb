"""Stories of the land gate and the permits: granted too early, without any approval, after revocation or expiry."""

from datetime import date

from deploy.demo import invented
from deploy.demo.chance import LAW_OF_2013, days_after
from deploy.demo.invented import Wish
from deploy.demo.numbers import project_code
from deploy.demo.scene import LAND, PERMIT, Scene, finding
from deploy.demo.sectors import SECTORS, capacity, choose
from deploy.demo.world import Json, Undertaking

BUILDING = "construction"


def land_before_filing(scene: Scene) -> None:
    """Land some months before the filing; everything after it is in order."""
    filed = scene.day()
    undertaking = scene.approved(filed, Wish(code_on=days_after(filed, -300)))
    early = days_after(filed, -scene.chance.whole(100, 140))
    scene.tell(
        "land_grant", early, undertaking, finding(LAND, "before-approval"), by=scene.by("name", "code", "fuzzy", "uscc")
    )
    ready = scene.formalities(undertaking)
    scene.tell("loan", days_after(ready, 40), undertaking, by="anchor")


def land_never_approved(scene: Scene) -> None:
    """A project that was registered but never approved, filed or verified gets its land."""
    undertaking = scene.project(Wish(BUILDING, code_on=scene.day(2015, 2016) if scene.number % 2 else None))
    by = scene.by("name", "code", "uscc", "fuzzy")
    scene.tell(
        "land_grant",
        scene.day(2017, 2023),
        undertaking,
        finding(LAND, "no-approval"),
        by=by if undertaking.project["code"] else "name",
    )
    scene.tell("land_pre_review", scene.day(2017, 2023), undertaking, finding(LAND, "no-approval"), by="name")


def permit_never_approved(scene: Scene) -> None:
    """A plant that runs without standing gets a discharge permit and a production licence."""
    undertaking = scene.project(Wish("operating"))
    on = scene.day(2017, 2023)
    scene.tell("discharge_permit", on, undertaking, finding(PERMIT, "no-approval"), by="uscc")
    scene.tell(
        "production_licence",
        days_after(on, 90),
        undertaking,
        finding(PERMIT, "no-approval"),
        by=scene.by("name", "uscc", "fuzzy"),
    )
    # Safety permits are not among the acts of the rule, and an EIA may come first.
    scene.tell("safety_permit", days_after(on, 100), undertaking, by="name")
    scene.tell("eia_approval", days_after(on, -200), undertaking, by="name")


def _unregistered(scene: Scene) -> tuple[Undertaking, Json]:
    """A plant that stands in no register; its company may be registered or not."""
    owner = scene.company(registered=scene.number % 2 == 0)
    line, size = choose(scene.chance, scene.sector)
    name = f"{owner['name']}{line.name.format(size=size)}"
    project: Json = {
        "reference": None,
        "code": None,
        "name": name,
        "sector": scene.sector,
        "industry": line.industry,
        "region": scene.place.code,
        "address": owner["address"],
        "capacities": [capacity(line, size)],
    }
    shown = {"industry": line.industry, "industry_edition": "2017", "project_name": name}
    return Undertaking(project, owner), shown | {"stated_capacity": [capacity(line, size)]}


def unregistered_plant(scene: Scene) -> None:
    """A construction project of the sector that no register knows gets land, EIA and a discharge permit."""
    undertaking, shown = _unregistered(scene)
    on = scene.day(2018, 2022)
    scene.tell(
        "land_grant", on, undertaking, finding(LAND, "no-project"), by=scene.by("uscc", "uscc", "name"), extra=shown
    )
    scene.tell("eia_approval", days_after(on, 50), undertaking, finding(PERMIT, "no-project"), by="uscc", extra=shown)
    scene.tell(
        "discharge_permit", days_after(on, 700), undertaking, finding(PERMIT, "no-project"), by="uscc", extra=shown
    )


def made_up_code(scene: Scene) -> None:
    """A well-formed code that nobody gave out stands on the papers of an unregistered plant."""
    undertaking, shown = _unregistered(scene)
    on = scene.day(2016, 2023)
    division = SECTORS[scene.sector].division
    code = project_code(
        days_after(on, -100), scene.place.code, division, "filing", scene.registry.next("code") * 7 + 11
    )
    undertaking.project["code"] = code
    undertaking.code_from = days_after(on, -100)
    scene.tell("land_grant", on, undertaking, finding(LAND, "no-project"), by="code", extra=shown)
    scene.tell(
        "energy_assessment", days_after(on, 30), undertaking, finding(PERMIT, "no-project"), by="code", extra=shown
    )


def revoked(scene: Scene) -> None:
    """The filing is revoked, the grants go on; the day of revocation itself is no longer covered."""
    filed = scene.day(2016, 2019)
    gone = days_after(filed, scene.chance.whole(350, 600))
    undertaking = scene.approved(filed, revoked=gone, revoked_reason="以虚假材料取得备案（虚构示例）")
    scene.formalities(undertaking)
    late = 0 if scene.number % 3 == 1 else scene.chance.whole(20, 200)
    by = scene.by("name", "code", "uscc", "fuzzy")
    scene.tell("land_grant", days_after(gone, -1), undertaking, by="name")
    scene.tell("land_grant", days_after(gone, late), undertaking, finding(LAND, "revoked"), by=by)
    scene.tell("eia_approval", days_after(gone, 210), undertaking, finding(PERMIT, "revoked"), by="code")
    scene.tell("discharge_permit", days_after(gone, 400), undertaking, finding(PERMIT, "revoked"), by="uscc")


def expired(scene: Scene) -> None:
    """A filing of two years runs out unused; land comes all the same. The last day of validity is covered."""
    filed = scene.day(2016, 2020)
    last = days_after(filed, 729)
    undertaking = scene.approved(filed, expires=last)
    scene.formalities(undertaking)
    scene.tell("land_grant", last, undertaking, by="name")
    late = 1 if scene.number % 3 == 1 else scene.chance.whole(30, 300)
    scene.tell(
        "land_grant",
        days_after(last, late),
        undertaking,
        finding(LAND, "expired"),
        by=scene.by("code", "name", "fuzzy", "uscc"),
    )
    scene.tell("energy_assessment", days_after(last, 320), undertaking, finding(PERMIT, "expired"), by="name")
    scene.tell("production_licence", days_after(last, 500), undertaking, finding(PERMIT, "expired"), by="uscc")


def shell_renamed(scene: Scene) -> None:
    """Land goes to a trading company that takes the plant's name weeks before the filing."""
    filed = scene.day(2017, 2022)
    owner = scene.company()
    renamed = days_after(filed, -60)
    shell = f"{scene.place.stem}示例{invented.numeral(scene.registry.next('name/' + scene.place.stem))}商贸有限公司"
    owner["names"].append({"name": shell, "kind": "former", "to": days_after(renamed, -1).isoformat()})
    owner["names"].append({"name": owner["name"], "kind": "registered", "from": renamed.isoformat()})
    undertaking = scene.approved(filed, Wish(code_on=days_after(filed, -20)), owner)
    scene.tell(
        "land_grant",
        days_after(filed, -200),
        undertaking,
        finding(LAND, "before-approval"),
        by=scene.by("name", "uscc"),
    )
    ready = scene.formalities(undertaking)
    # The old name with the right code is no misuse: the name history covers it.
    scene.tell("land_grant", days_after(ready, 100), undertaking, by="code", party_name=shell)


def cured_afterwards(scene: Scene) -> None:
    """补办: the approval follows the land by a year. It never cures the earlier act, and covers the later ones."""
    granted = scene.day(2015, 2020)
    undertaking = scene.project(Wish(code_on=days_after(granted, -60)))
    scene.tell(
        "land_grant",
        granted,
        undertaking,
        finding(LAND, "before-approval"),
        by=scene.by("name", "code", "uscc", "fuzzy"),
    )
    supplementary = days_after(granted, scene.chance.whole(280, 420))
    approval = invented.approve(scene.chance, undertaking, supplementary, "verification")
    approval["number"] = str(approval["number"]).replace("〔", "（补办）〔")
    ready = scene.formalities(undertaking)
    scene.tell("land_grant", days_after(ready, 20), undertaking, by="name")


def sea_and_shoreline(scene: Scene) -> None:
    """A yard gets the sea and the shoreline before anybody approved it."""
    filed = scene.day(2016, 2021)
    undertaking = scene.approved(filed, Wish(code_on=days_after(filed, -250)))
    scene.tell(
        "sea_area_grant",
        days_after(filed, -90),
        undertaking,
        finding(LAND, "before-approval"),
        by=scene.by("name", "uscc"),
    )
    scene.tell(
        "shoreline_grant",
        days_after(filed, -40),
        undertaking,
        finding(LAND, "before-approval"),
        by=scene.by("code", "name"),
    )
    scene.formalities(undertaking)


def before_the_law(scene: Scene) -> None:
    """Grants without approval before 6 October 2013 are not judged by a rule of that day; on the day they are."""
    undertaking = scene.project(Wish(BUILDING))
    scene.tell("land_grant", date(2012, 5, 1 + scene.number % 28), undertaking, by="name")
    scene.tell("land_grant", days_after(LAW_OF_2013, -1), undertaking, by="name")
    scene.tell("land_grant", LAW_OF_2013, undertaking, finding(LAND, "no-approval"), by="name")
