"""Who reads: the public never sees amounts, contracts or borrowers of credit; every reading query asks."""

from typing import Any, Final, Literal

Audience = Literal["public", "official"]

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
    {"confidential", "amounts", "loan", "loans", "credit", "contract", "contract_number", "borrower", "lender"}
)
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


def shown_finding(row: dict[str, Any], audience: Audience) -> dict[str, Any]:
    """A finding's row as the audience may see it; of credit the public learns only that it is flagged."""
    if audience == "official":
        return row
    if row["lane"] == CREDIT_LANE:
        return row | {name: value for name, value in _HIDDEN_OF_CREDIT.items() if name in row}
    if "evidence" in row:
        # Only a finding read in full has them.
        parts = [name for name in ("evidence", "closed_facts") if name in row]
        return row | {name: without_credit(row[name]) for name in parts}
    return row


def without_credit(evidence: Any) -> Any:
    """Evidence without what tells of credit, at any depth: amounts, contracts and credit acts."""
    if isinstance(evidence, dict):
        if evidence.get("act") in CREDIT_ACTS:
            return {}
        return {
            name: without_credit(value)
            for name, value in evidence.items()
            # an amount beside a product is a capacity, any other is money
            if name not in _CONFIDENTIAL_NAMES and (name != "amount" or "product" in evidence)
        }
    if isinstance(evidence, list):
        return [without_credit(value) for value in evidence]
    return evidence
