"""Stories of the credit gate: construction credit while a formality is missing."""

from deploy.demo.chance import days_after
from deploy.demo.invented import Wish
from deploy.demo.scene import CREDIT, Scene, finding

INSTRUMENTS = ("loan", "loan", "bond", "listing")
LAND = "land_grant"
EIA = "eia_approval"
ENERGY = "energy_assessment"


def _missing(scene: Scene, act_missing: str, reason: str) -> None:
    filed = scene.day(2015, 2021)
    undertaking = scene.approved(filed)
    ready = scene.formalities(undertaking, skip=(act_missing,))
    instrument = INSTRUMENTS[scene.number % len(INSTRUMENTS)]
    on = days_after(ready, scene.chance.whole(20, 200))
    scene.tell(instrument, on, undertaking, finding(CREDIT, reason), by=scene.by("uscc", "name", "code", "fuzzy"))
    if instrument == "loan":
        scene.tell("disbursement", days_after(on, 30), undertaking, by="uscc")


def loan_without_land(scene: Scene) -> None:
    """Credit for construction before any land."""
    _missing(scene, LAND, "missing-land")


def loan_without_eia(scene: Scene) -> None:
    """Credit for construction before the EIA is approved."""
    _missing(scene, EIA, "missing-eia")


def loan_without_energy(scene: Scene) -> None:
    """Credit for construction before the energy assessment."""
    _missing(scene, ENERGY, "missing-energy-assessment")


def loan_without_anything(scene: Scene) -> None:
    """Credit for construction of a project that has nothing at all."""
    undertaking = scene.project(Wish("construction"))
    lacking = finding(CREDIT, "missing-approval", "missing-land", "missing-eia", "missing-energy-assessment")
    on = scene.day(2016, 2023)
    scene.tell("loan", on, undertaking, lacking, by=scene.by("uscc", "name"))
    scene.tell("bond", days_after(on, 100), undertaking, lacking, by="uscc")


def credit_after_revocation(scene: Scene) -> None:
    """Every formality is there but the standing: the filing is revoked when the bond is issued."""
    filed = scene.day(2016, 2019)
    gone = days_after(filed, scene.chance.whole(600, 700))
    undertaking = scene.approved(filed, revoked=gone, revoked_reason="擅自改变建设内容（虚构示例）")
    ready = scene.formalities(undertaking)
    scene.tell("loan", days_after(ready, 10), undertaking, by="anchor")
    instrument = scene.by("bond", "listing", "loan")
    scene.tell(
        instrument,
        days_after(gone, 30),
        undertaking,
        finding(CREDIT, "missing-approval"),
        by=scene.by("uscc", "name", "code"),
    )
