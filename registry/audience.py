"""Who reads: amounts, contracts and borrowers of credit are for finance alone; every reading query asks.

This is the first of three locks; the second are the policies (registry.row_policies), the third separate indices.
"""

from typing import Any, Final

from registry.viewers import Audience

# Who reads what agencies do not publish themselves: raw entries, amounts, evidence of links.
INTERNAL: Final[frozenset[Audience]] = frozenset({"official", "finance"})
# Who reads credit in detail, as far as the policies let rows through.
CREDIT: Final[frozenset[Audience]] = frozenset({"bank", "finance"})

# What the public may see of an agency record: what the agencies themselves publish. Credit acts not at all.
PUBLIC_RECORD_FIELDS: Final[tuple[str, ...]] = (
    "record_id",
    "feed",
    "source_key",
    "act",
    "acted_on",
    "number",
    "project_code",
    "project_name",
    "party_name",
    "party_uscc",
    "region",
    "address",
    "industry",
    "industry_edition",
    "kind",
    "authority",
    "area_hectares",
    "stated_capacity",
    "expires",
    "revoked",
    "synthetic",
)
CREDIT_LANE: Final = "credit"
CREDIT_ACTS: Final[tuple[str, ...]] = ("loan", "disbursement", "bond", "listing")
_CONFIDENTIAL_NAMES: Final = frozenset(
    {"confidential", "loan", "loans", "credit", "contract", "contract_number", "borrower", "lender"}
)
_MONEY: Final = frozenset({"amount", "amounts"})
# What the public may see of a finding in the credit lane: that there is one, and the article.
_HIDDEN_OF_CREDIT: Final[dict[str, Any]] = {
    "subject_id": 0,
    "subject_reference": "",
    "act": "",
    "acted_on": None,
    "reasons": [],
    "evidence": {},
    "evidence_hash": "",
    "enterprise_id": None,
    "enterprise_name": None,
    "closed_reason": "",
    "closed_facts": {},
}


def hides_credit(row: dict[str, Any], audience: Audience) -> bool:
    """Whether of this finding only that it is there may be shown."""
    return bool(row["lane"] == CREDIT_LANE and (row.get("withheld") or audience not in CREDIT))


def shown_finding(row: dict[str, Any], audience: Audience) -> dict[str, Any]:
    """A finding's row as the audience may see it; of credit most learn only that it is flagged."""
    if hides_credit(row, audience):
        return row | {name: value for name, value in _HIDDEN_OF_CREDIT.items() if name in row}
    if row["lane"] != CREDIT_LANE:
        # Whoever may see credit sees it at its own finding, where the region or the bank is asked for.
        # Only a finding read in full has these.
        parts = [name for name in ("evidence", "closed_facts") if name in row]
        return row | {name: without_credit(row[name], amounts=audience in INTERNAL) for name in parts}
    return row


def shown_record(row: dict[str, Any], audience: Audience) -> dict[str, Any]:
    """A record's row as the audience may see it: amounts and months for officials, a bank's for its own credit."""
    if audience in INTERNAL or (audience in CREDIT and row["act"] in CREDIT_ACTS):
        return row
    return row | {name: None for name in ("amount", "months") if name in row}


def without_credit(evidence: Any, *, amounts: bool = False) -> Any:
    """Evidence without what tells of credit, at any depth: contracts and credit acts, and money unless `amounts`."""
    if isinstance(evidence, dict):
        if evidence.get("act") in CREDIT_ACTS:
            return {}
        return {
            name: without_credit(value, amounts=amounts)
            for name, value in evidence.items()
            # an amount beside a product is a capacity, any other is money
            if name not in _CONFIDENTIAL_NAMES and (name not in _MONEY or amounts or "product" in evidence)
        }
    if isinstance(evidence, list):
        return [without_credit(value, amounts=amounts) for value in evidence]
    return evidence
