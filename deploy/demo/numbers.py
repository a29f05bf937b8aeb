"""Identifiers as DOMAIN facts say they are built; check digits come from python-stdnum."""

from datetime import date

from stdnum.cn import uscc as uscc_number
from stdnum.iso7064 import mod_11_10

from deploy.demo.chance import Chance
from deploy.demo.regions import PROVINCE_SIGN

NEW_CODE_FROM = date(2020, 11, 1)
FIRST_CODES = date(2014, 1, 1)
USCC_FROM = date(2015, 10, 1)
NATIONAL_PERMITS_FROM = date(2017, 1, 1)
OLD_TYPE = {"approval": "01", "verification": "02", "filing": "03"}
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def organisation_code(serial: int) -> str:
    """A GB 11714 organisation code. XN (虚拟) begins no code of a real organisation that we know of."""
    body = f"XN{serial:06d}"
    # python-stdnum has no module for GB 11714, hence the sum here.
    check = (
        11 - sum(ALPHABET.index(sign) * weight for sign, weight in zip(body, ORGANISATION_WEIGHTS, strict=True)) % 11
    )
    return body + {10: "X", 11: "0"}.get(check, str(check))


def uscc(region: str, serial: int) -> str:
    """A unified social credit code with right check digits, of an enterprise registered in the region."""
    body = f"91{region}{organisation_code(serial)}"
    return body + str(uscc_number.calc_check_digit(body))


def project_code(on: date, region: str, division: str, kind: str, serial: int) -> str | None:
    """The project code of the shape that was given out on that day; None before there were codes."""
    if on < FIRST_CODES:
        return None
    if on >= NEW_CODE_FROM:
        kind_digits = {"approval": "01", "verification": "02", "filing": "04"}[kind]
        body = f"{on:%y%m}{region}89{kind_digits}{serial % 100000:05d}"
        full = body + str(mod_11_10.calc_check_digit(body))
    else:
        while True:  # an old code whose digits pass the new check by accident would be read as a new one
            full = f"{on.year}{region}{division}{OLD_TYPE[kind]}{serial % 1000000:06d}"
            if not mod_11_10.is_valid(full):
                break
            serial += 100_000  # out of the way of neighbouring serials: every code is given once
    return f"{full[:4]}-{full[4:10]}-{full[10:12]}-{full[12:14]}-{full[14:]}"


def eia_number(chance: Chance, region: str, on: date) -> str:
    """An EIA approval number in one of the spellings that issuers use."""
    opening, closing = chance.one((("〔", "〕"), ("[", "]"), ("﹝", "﹞"), ("（", "）"), ("〔", "〕")))
    office = "环审" if on.year < 2019 else chance.one(("环审", "行审环", "环建"))
    return f"{PROVINCE_SIGN[region[:2]]}{office}{opening}{on.year}{closing}{chance.whole(1, 480)}号"


def document_number(chance: Chance, region: str, on: date, office: str) -> str:
    """A number of an official document: 冀发改备〔2016〕12号."""
    return f"{PROVINCE_SIGN[region[:2]]}{office}〔{on.year}〕{chance.whole(1, 900)}号"


def supervision_number(chance: Chance, region: str, on: date, mode: str) -> str:
    """A land supply supervision number: region, year, A allocated or B granted, serial."""
    return f"{region}{on.year}{'A' if mode == 'allocated' else 'B'}{chance.whole(1, 9999):05d}"


def real_property_unit(chance: Chance, region: str) -> str:
    """A real property unit number of 28 characters."""
    parcel = f"{region}{chance.whole(1, 199):03d}{chance.whole(1, 99):03d}GB{chance.whole(1, 99999):05d}"
    return parcel + "W00000000"


def discharge_permit_number(chance: Chance, region: str, on: date, party_uscc: str | None) -> str:
    """HJ 608: USCC, serial and P; before the national scheme a number of the province."""
    if party_uscc and on >= NATIONAL_PERMITS_FROM:
        return f"{party_uscc}001P"
    return f"PWX-{region}-{chance.whole(1, 9999):04d}-{on:%y}"
