"""The acts that agencies report and the gate (lane) each belongs to (RULES.md, Words)."""

from typing import Final, Literal

Lane = Literal["land", "environment", "credit", "quality", "price", "approval", "elimination", "replacement"]

# The three gates of Guofa [2013] 41, part 6, and the lanes beside them.
GATES: Final[tuple[Lane, ...]] = ("land", "environment", "credit")

LANE_OF_ACT: Final[dict[str, Lane]] = {
    "land_grant": "land",
    "land_pre_review": "land",
    "sea_area_grant": "land",
    "shoreline_grant": "land",
    "eia_approval": "environment",
    "energy_assessment": "environment",
    "discharge_permit": "environment",
    "production_licence": "quality",
    "safety_permit": "quality",
    "loan": "credit",
    "disbursement": "credit",
    "bond": "credit",
    "listing": "credit",
    "power_price": "price",
    "water_price": "price",
    "approval": "approval",
}

# What else of its project an act is judged by: whether it has its land, EIA and energy formalities (Guofa [2013] 41,
# part 6). No other record bears on how another is judged.
FORMALITIES: Final[tuple[str, ...]] = ("land_grant", "land_pre_review", "eia_approval", "energy_assessment")

# And what is judged beside acts: equipment, plans, decisions, orders.
LANE_OF_JUDGED: Final[dict[str, Lane]] = {
    **LANE_OF_ACT,
    "equipment": "elimination",
    "plan": "replacement",
    "disposition": "approval",
    "rectification": "approval",
    "closure_order": "elimination",
    "stop_order": "environment",
}

SECTORS: Final[tuple[str, ...]] = ("steel", "cement", "aluminium", "glass", "ships", "other")
OVERCAPACITY_SECTORS: Final[tuple[str, ...]] = SECTORS[:5]
