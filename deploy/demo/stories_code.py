"""Stories of project codes: lent, used elsewhere, claimed after a renaming that never was."""

from datetime import date

from deploy.demo import invented
from deploy.demo.chance import days_after
from deploy.demo.regions import places
from deploy.demo.scene import CODE, Scene, finding
from deploy.demo.world import Undertaking


def _lawful_lender_of_code(scene: Scene) -> tuple[Undertaking, date]:
    filed = scene.day(2016, 2020)
    undertaking = scene.approved(filed)
    return undertaking, scene.formalities(undertaking)


def code_lent(scene: Scene) -> None:
    """A lawful project's code stands on another company's papers in the same county."""
    lender, ready = _lawful_lender_of_code(scene)
    borrower = scene.company()
    misused = finding(CODE, "other-enterprise")
    scene.tell("land_grant", days_after(ready, 60), lender, misused, by="code", party=borrower)
    scene.tell("loan", days_after(ready, 200), lender, misused, by="code", party=borrower)


def code_elsewhere(scene: Scene) -> None:
    """A code is used in another province; now and then by another company too."""
    owner_of_code, ready = _lawful_lender_of_code(scene)
    other_province = invented.province_at(scene.number * 5 + 11)
    if other_province == scene.province:
        other_province = invented.province_at(scene.number * 5 + 12)
    region = invented.place_of(scene.chance, other_province).code
    if scene.number % 3 == 2:
        borrower = scene.company(place=places()[region])
        misused = finding(CODE, "other-enterprise", "other-region")
        scene.tell(
            "land_grant", days_after(ready, 90), owner_of_code, misused, by="code", party=borrower, region=region
        )
        return
    misused = finding(CODE, "other-region")
    scene.tell("land_grant", days_after(ready, 90), owner_of_code, misused, by="code", region=region)
    scene.tell("eia_approval", days_after(ready, 120), owner_of_code, misused, by="code", region=region)


def shell_not_renamed(scene: Scene) -> None:
    """A company says it is the plant's owner renamed. The name history knows nothing of it."""
    undertaking, ready = _lawful_lender_of_code(scene)
    shell = scene.company(trade="商贸")
    scene.tell(
        "land_grant", days_after(ready, 150), undertaking, finding(CODE, "other-enterprise"), by="code", party=shell
    )
    scene.tell("land_grant", days_after(ready, 160), undertaking, by="name")
