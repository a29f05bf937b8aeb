"""What a record of each kind of act says of itself: number, authority, amounts, periods."""

from datetime import date

from deploy.demo import numbers, regions
from deploy.demo.chance import Chance, days_after
from deploy.demo.sectors import SECTORS
from deploy.demo.world import Json, Undertaking

# Every authority of a synthetic record says that it is an example: no real office is said to have granted anything.
SYNTHETIC_OFFICE = "（示例）"


def _city(undertaking: Undertaking) -> str:
    region = str(undertaking.project["region"])
    place = regions.places().get(region)
    return place.city if place else regions.full_name(region)


def _years_later(on: date, years: int) -> str:
    return days_after(on, 365 * years - 1).isoformat()


def _land_office(undertaking: Undertaking, on: date) -> str:
    return f"{_city(undertaking)}{'自然资源局' if on.year > 2018 else '国土资源局'}{SYNTHETIC_OFFICE}"


def _environment_office(undertaking: Undertaking, on: date) -> str:
    return f"{_city(undertaking)}{'生态环境局' if on.year > 2018 else '环境保护局'}{SYNTHETIC_OFFICE}"


def _land_grant(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    mode = "allocated" if chance.happens(0.06) else "granted"
    region = str(undertaking.project["region"])
    hectares = chance.whole(12, 900) / 10
    return {
        "number": numbers.supervision_number(chance, region, on, mode),
        "kind": mode,
        "authority": _land_office(undertaking, on),
        "area_hectares": f"{hectares:.4f}",
        "amount": str(int(hectares * chance.whole(90, 480) * 10000)),
        "details": {
            "use": "工业用地",
            "source_of_land": chance.one(("新增建设用地", "现有建设用地")),
            "grade": f"{chance.whole(4, 15)}级",
            "agreed_delivery": days_after(on, 60).isoformat(),
            "agreed_start": days_after(on, 240).isoformat(),
            "agreed_completion": days_after(on, 970).isoformat(),
            "real_property_unit": numbers.real_property_unit(chance, region),
        },
    }


def _land_pre_review(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    return {
        "number": numbers.document_number(chance, str(undertaking.project["region"]), on, "自然资预审"),
        "authority": _land_office(undertaking, on),
        "area_hectares": f"{chance.whole(50, 1500) / 10:.4f}",
        "expires": _years_later(on, 3),
    }


def _sea_area(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    return {
        "number": f"{on.year}C{undertaking.project['region']}{chance.whole(1, 99999):05d}",
        "authority": f"{_city(undertaking)}海洋行政主管部门{SYNTHETIC_OFFICE}",
        "area_hectares": f"{chance.whole(40, 600) / 10:.4f}",
        "months": 600,
    }


def _shoreline(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    return {
        "number": numbers.document_number(chance, str(undertaking.project["region"]), on, "港航岸线"),
        "authority": f"{_city(undertaking)}港航管理部门{SYNTHETIC_OFFICE}",
        "details": {"shoreline_metres": str(chance.whole(120, 1600))},
    }


def _eia(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    return {
        "number": numbers.eia_number(chance, str(undertaking.project["region"]), on),
        "kind": "report" if chance.happens(0.8) else "form",
        "authority": _environment_office(undertaking, on),
    }


def _energy(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    return {
        "number": numbers.document_number(chance, str(undertaking.project["region"]), on, "发改能评"),
        "authority": f"{_city(undertaking)}发展和改革委员会{SYNTHETIC_OFFICE}",
        "details": {"annual_energy_tce": str(chance.whole(9, 900) * 1000)},
    }


def _discharge(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    years = 5 if on.year >= 2021 else 3
    return {
        "number": numbers.discharge_permit_number(chance, str(undertaking.project["region"]), on, party_uscc),
        "authority": _environment_office(undertaking, on),
        "expires": _years_later(on, years),
    }


def _licence(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    prefix = SECTORS[undertaking.project["sector"]].licence if undertaking.project["sector"] in SECTORS else "XK00-000"
    return {
        "number": f"{prefix}-{chance.whole(1, 99999):05d}",
        "kind": "production_licence",
        "authority": f"{_city(undertaking)}市场监督管理部门{SYNTHETIC_OFFICE}",
        "expires": _years_later(on, 5),
    }


def _safety(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    return {
        "number": f"AQ{undertaking.project['region']}{on:%Y}{chance.whole(1, 9999):04d}",
        "kind": "safety_permit",
        "authority": f"{_city(undertaking)}应急管理部门{SYNTHETIC_OFFICE}",
        "expires": _years_later(on, 3),
    }


def _credit(chance: Chance, on: date, undertaking: Undertaking, instrument: str, lender: str, prefix: str) -> Json:
    amount = chance.whole(30, 3900) * 1_000_000
    months = chance.one((36, 60, 84, 96, 120))
    return {
        "number": f"{prefix}{on:%Y}{chance.whole(1, 999999):06d}",
        "kind": "construction",
        "authority": lender,
        "amount": str(amount),
        "months": months,
        "expires": _years_later(on, months // 12),
        "details": {
            "instrument": instrument,
            "currency": "CNY",
            "purpose": "固定资产投资（项目建设）",
            "used_amount": str(amount * chance.whole(20, 100) // 100),
            "five_class": chance.one(("正常", "正常", "正常", "关注")),
        },
    }


def _loan(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    return _credit(chance, on, undertaking, "loan", f"示例银行{_city(undertaking)}分行", "示银固贷字")


def _disbursement(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    """A part of a construction loan signed before: its contract with a running number."""
    paid = _credit(chance, on, undertaking, "loan", f"示例银行{_city(undertaking)}分行", "示银固贷字")
    contract, amount = str(paid["number"]), int(paid["amount"])
    earlier = [loan for loan in undertaking.loans if loan[0] <= on]
    if earlier:
        _, contract, amount = chance.one(earlier)
    return {
        "number": f"{contract}-{chance.whole(1, 99):02d}",
        "kind": "construction",
        "authority": paid["authority"],
        "amount": str(amount * chance.whole(2, 10) // 100),
        "details": {"instrument": "loan", "currency": "CNY", "contract": contract},
    }


def _bond(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    return _credit(chance, on, undertaking, "bond", "示例证券承销有限公司", "示债")


def _listing(chance: Chance, on: date, undertaking: Undertaking, party_uscc: str | None) -> Json:
    listed = _credit(chance, on, undertaking, "listing", "示例证券交易场所", "示股")
    return {key: value for key, value in listed.items() if key not in ("months", "expires")}


DETAILS = {
    "land_grant": _land_grant,
    "land_pre_review": _land_pre_review,
    "sea_area_grant": _sea_area,
    "shoreline_grant": _shoreline,
    "eia_approval": _eia,
    "energy_assessment": _energy,
    "discharge_permit": _discharge,
    "production_licence": _licence,
    "safety_permit": _safety,
    "loan": _loan,
    "disbursement": _disbursement,
    "bond": _bond,
    "listing": _listing,
}
