"""Records that no register should store: the played agencies send them so that quarantine has something to hold."""

from datetime import date

from deploy.demo.acts import Telling, act
from deploy.demo.chance import LAST_ACT, days_after
from deploy.demo.world import AGENCIES, World

ACT_OF_AGENCY = {"land": "land_grant", "environment": "eia_approval", "finance": "loan"}
UNKNOWN_ACTS = {"land": "示例用地登记", "environment": "示例环保登记", "finance": "示例授信登记"}
# what is wrong -> field and raw value; an unknown act takes its value from UNKNOWN_ACTS
FAULTS: dict[str, tuple[str, str]] = {
    "impossible date": ("acted_on", "2019-02-30"),
    "month thirteen": ("acted_on", "2020-13-01"),
    "date missing": ("acted_on", ""),
    "unknown act": ("act", ""),
    "impossible expiry": ("expires", "2023-06-31"),
}
AMOUNT_FAULTS = {"land": ("area_hectares", "约三十公顷"), "finance": ("amount", "叁亿元整")}


def malformed_records(world: World, count: int) -> None:
    """So many malformed records an agency, all of invented enterprises."""
    for agency in AGENCIES:
        faults = dict(FAULTS)
        if agency in AMOUNT_FAULTS:
            faults["not a number"] = AMOUNT_FAULTS[agency]
        for position in range(count):
            chance = world.chance(f"malformed/{agency}/{position}")
            undertaking = chance.one(world.lawful)
            on = chance.day(days_after(undertaking.ready or date(2016, 1, 1), 1), LAST_ACT)
            draft = act(chance, ACT_OF_AGENCY[agency], on, undertaking, Telling(by="name"))
            what = sorted(faults)[position % len(faults)]
            field, value = faults[what]
            draft.fields[field] = value if field != "act" else UNKNOWN_ACTS[agency]
            draft.malformed = f"{what}: {field}"
            world.drafts.append(draft)
