"""The fields of an agency record, in the one order that connectors, COPY and the merge share."""

from typing import Final

# name -> PostgreSQL type. Dates are civil days; amounts are yuan; areas hectares; periods months.
RECORD_FIELDS: Final[dict[str, str]] = {
    "source_key": "text",  # the agency's own key, unique within the agency
    "source_modified": "timestamptz",  # the agency's modification stamp
    "act": "text",  # one of registry.acts
    "acted_on": "date",  # the day of the act: credit by signing
    "number": "text",  # contract, approval, permit or supervision number in normal form
    "project_code": "text",  # normal form, None where absent or unreadable
    "project_name": "text",
    "party_name": "text",  # grantee, permit holder or borrower
    "party_uscc": "text",
    "region": "text",  # six digits
    "address": "text",
    "industry": "text",  # GB/T 4754 class
    "industry_edition": "text",  # 2011 or 2017
    "kind": "text",  # loan: construction, working_capital, merger …; land: supply mode; EIA: report, form
    "authority": "text",  # who granted
    "amount": "numeric",  # yuan; for credit it is confidential
    "area_hectares": "numeric",
    "months": "integer",
    "stated_capacity": "jsonb",  # [{product, amount, unit}]
    "expires": "date",
    "revoked": "date",
    "details": "jsonb",  # everything else the agency said, by canonical name
    "synthetic": "boolean",  # the demo's records are; a real agency's are not
}
