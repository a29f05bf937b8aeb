"""Who must see and may change which rows, said again in Python: what PostgreSQL's policies are held against."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from registry.row_policies import EVERYBODY, NOBODY, POLICIES
from tests.faults.rights_world import Looking

CREDIT_ACTS = ("loan", "disbursement", "bond", "listing")
# A condition that asks for permissions and nothing else.
_PERMISSIONS = re.compile(r"\((\(SELECT may\('\w+'\)\)( OR )?)+\)")

Row = dict[str, Any]


@dataclass
class Facts:
    """What the conditions of a row ask of other rows, read once as the owner."""

    records: dict[int, list[Row]] = field(default_factory=dict)  # by record_id, all versions
    findings: dict[str, list[Row]] = field(default_factory=dict)  # by fingerprint, all versions
    accounts: dict[int, Row] = field(default_factory=dict)
    organisations: dict[str, Row] = field(default_factory=dict)
    regions: dict[int, str | None] = field(default_factory=dict)  # of projects, as known now
    cases: dict[int, Row] = field(default_factory=dict)
    case_files: dict[int, Row] = field(default_factory=dict)
    alerts: dict[int, Row] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)  # of suspected projects, as known now: record ids


Condition = Callable[[Looking, Row, Facts], bool]


def _record(who: Looking, row: Row, facts: Facts) -> bool:
    return row["act"] not in CREDIT_ACTS or who.sees_credit_of(row["lender_normal"], row["region"])


def _some_version(who: Looking, record_id: int, facts: Facts) -> bool:
    versions = [row for row in facts.records[record_id] if row["known_to"] == "infinity"]
    return any(_record(who, row, facts) for row in versions)


def _link(who: Looking, row: Row, facts: Facts) -> bool:
    return _some_version(who, row["record_id"], facts)


def finding(who: Looking, row: Row, facts: Facts) -> bool:
    """A finding in the credit lane is for whoever sees its record; any other for everybody."""
    return row["lane"] != "credit" or _some_version(who, row["subject_id"], facts)


def _manages(who: Looking, organisation: str | None, facts: Facts) -> bool:
    if not who.may("accounts") or organisation is None:
        return False
    mine, theirs = facts.organisations[who.viewer.organisation_id], facts.organisations[organisation]
    if mine["id"] == theirs["id"]:
        return True
    # No agency of this world has two offices: beyond its own only the nation's administrators reach.
    return bool(mine["kind"] == "agency" and mine["region"] == "000000")


def _of_account(who: Looking, account: int | None, facts: Facts) -> bool:
    if account is None:
        return False
    return account == who.viewer.account_id or _manages(who, facts.accounts[account]["organisation_id"], facts)


def _audit(who: Looking, row: Row, facts: Facts) -> bool:
    own = row["organisation_id"] == who.viewer.organisation_id
    return who.may("audit") and (own or (who.kind == "agency" and who.viewer.region == "000000"))


def _in_region(who: Looking, row: Row, facts: Facts) -> bool:
    return who.may("register") and who.within(facts.regions[row["project_id"]])


def _asked(who: Looking, row: Row, facts: Facts) -> bool:
    """Gate checks are their organisation's: of those who may ask, and of its auditors."""
    return who.may("gate", "audit") and row["organisation_id"] == who.viewer.organisation_id


def _mark(who: Looking, row: Row, facts: Facts) -> bool:
    return who.may("internal", "credit_own") and _some_version(who, row["record_id"], facts)


def _reviewed(who: Looking, row: Row, facts: Facts) -> bool:
    """What awaits a reviewer, and what reviewers said: for officers and reviewers who see the record."""
    return who.may("register", "decide") and _link(who, row, facts)


def _reviewing(who: Looking, row: Row, facts: Facts) -> bool:
    versions = [one for one in facts.records[row["record_id"]] if one["known_to"] == "infinity"]
    return who.may("decide") and any(_record(who, one, facts) and who.within(one["region"]) for one in versions)


def _decision(who: Looking, row: Row, facts: Facts) -> bool:
    return who.may("internal") and any(finding(who, one, facts) for one in facts.findings[row["fingerprint"]])


def _deciding(who: Looking, row: Row, facts: Facts) -> bool:
    versions = [one for one in facts.findings[row["fingerprint"]] if one["known_to"] == "infinity"]
    return who.may("decide") and any(finding(who, one, facts) and who.within(one["region"]) for one in versions)


def _suspected(who: Looking, row: Row, facts: Facts) -> bool:
    if not row["credit_only"] or not who.may("internal"):
        return who.may("internal")
    holds = any(_some_version(who, record, facts) for record in facts.members.get(row["suspected_id"], ()))
    return who.may("credit") and (who.within(row["region"]) or holds)


def _of_decided_case(who: Looking, row: Row, facts: Facts) -> bool:
    """What a case decides, its desk writes, by a reference that says so."""
    case = row["reference"].startswith("case:")
    return case and who.may("decide") and who.within(facts.regions[row["project_id"]])


def _desk(who: Looking, row: Row, facts: Facts) -> bool:
    """Reports are their desk's: of its reviewers and supervisors. A thread and its part bear its name here."""
    desk = row.get("organisation_id") or row.get("part_id") or row["thread_id"]
    sent = row.get("draft_hash") is None
    return who.may("decide") and sent and desk == who.viewer.organisation_id


def _my_desk(who: Looking, row: Row) -> bool:
    return who.viewer.organisation_id in (row["desk_id"], *row["organisations"])


def _case(who: Looking, row: Row, facts: Facts) -> bool:
    """A case is for officials of its region, its desk and whoever has a task of it; credit for finance alone."""
    reads = who.may("internal") and (not row["credit"] or who.may("credit"))
    return reads and (who.within(row["region"]) or _my_desk(who, row))


def _of_case(who: Looking, row: Row, facts: Facts) -> bool:
    reads = not row.get("credit") or who.may("credit")
    return reads and _case(who, facts.cases[row["case_id"]], facts)


def _case_task_changing(who: Looking, row: Row, facts: Facts) -> bool:
    mine = who.viewer.organisation_id in (row["organisation_id"], facts.cases[row["case_id"]]["desk_id"])
    return mine and who.may("register", "decide") and _of_case(who, row, facts)


_OF_CASES = "case_subjects case_tasks case_decisions case_notes case_files case_events"


def _alert(who: Looking, row: Row, facts: Facts) -> bool:
    """An alert is for the officials of its region, for its desk and its case's readers, of credit for finance alone."""
    mine = row["organisation_id"] == who.viewer.organisation_id is not None
    mine = mine or (row["case_id"] is not None and _case(who, facts.cases[row["case_id"]], facts))
    return (
        who.may("internal") and (row["lane"] != "credit" or who.may("credit")) and (mine or who.within(row["region"]))
    )


def _of_alert(who: Looking, row: Row, facts: Facts) -> bool:
    return _alert(who, facts.alerts[row["alert_id"]], facts)


def _alert_changed(who: Looking, row: Row, facts: Facts) -> bool:
    """Its desk acts on it; what has no desk waits for the nation's agencies. None here has another office above."""
    above = row["organisation_id"] is None and who.kind == "agency" and who.viewer.region == "000000"
    mine = row["organisation_id"] == who.viewer.organisation_id
    worked = row["case_id"] is not None and facts.cases[row["case_id"]]["desk_id"] == who.viewer.organisation_id
    # Whoever may not read its case does not act on it through the case.
    worked = worked and _case(who, facts.cases[row["case_id"]], facts)
    return who.may("decide") and _alert(who, row, facts) and (mine or above or worked)


def _mine(who: Looking, row: Row, facts: Facts) -> bool:
    return bool(row["account_id"] == who.viewer.account_id is not None)


def _of_desk(who: Looking, row: Row) -> bool:
    return bool(row["organisation_id"] == who.viewer.organisation_id is not None)


def _announced(who: Looking, row: Row, facts: Facts) -> bool:
    lane = row["lane"] != "credit" or who.may("credit")
    return who.viewer.account_id in row["account_ids"] or (who.may("internal") and _of_desk(who, row) and lane)


_PARTS_OF_PUBLICATIONS = (
    "publications", "publication_versions", "publication_objections", "publication_replies", "publication_appeals",
)  # fmt: skip


def _is_public(row: Row) -> bool:
    if "public_since" in row:
        return row["public_since"] is not None
    return bool(row["shown"]) if "shown" in row else row["state"] in ("displayed", "published", "superseded")


def _publication(who: Looking, row: Row, facts: Facts) -> bool:
    """What is public is for everybody, what is on its way for the officials of its region."""
    return _is_public(row) or (who.may("internal") and who.within(row["region"]))


def _preparing(who: Looking, row: Row, facts: Facts) -> bool:
    return not _is_public(row) and who.may("publish", "decide") and who.within(row["region"])


READ: dict[str, Condition] = {
    **dict.fromkeys(("tip_threads", "tip_parts", "tip_chunks", "tip_links"), _desk),
    "cases": _case,
    **dict.fromkeys(_OF_CASES.split(), _of_case),
    "case_file_contents": lambda who, row, facts: _of_case(who, facts.case_files[row["file_id"]], facts),
    "alerts": _alert,
    **dict.fromkeys(("alert_findings", "alert_events"), _of_alert),
    "alert_silences": lambda who, row, _: who.may("internal") and _of_desk(who, row),
    "announcements": _announced,
    "deliveries": lambda who, row, facts: (
        who.may("operate") or _mine(who, row, facts) or (who.may("internal", "accounts") and _of_desk(who, row))
    ),
    "delivery_attempts": lambda who, row, _: (
        who.may("operate") or (who.may("internal", "accounts") and _of_desk(who, row))
    ),
    "notification_wishes": lambda who, row, facts: _of_account(who, row["account_id"], facts),
    "webhooks": lambda who, row, facts: _manages(who, row["organisation_id"], facts),
    **dict.fromkeys(_PARTS_OF_PUBLICATIONS, _publication),
    **dict.fromkeys(("gate_batches", "gate_checks", "gate_notices"), _asked),
    "gate_marks": _mark,
    "finding_decisions": _decision,
    "link_candidates": _reviewed,
    "review_items": _reviewed,
    "link_decisions": _reviewed,
    "suspected_versions": _suspected,
    "suspected_members": lambda who, row, facts: who.may("internal") and _link(who, row, facts),
    "records": _record,
    "links": _link,
    "findings": finding,
    "organisations": lambda who, row, _: (
        who.may("internal", "accounts", "audit") or row["id"] == who.viewer.organisation_id
    ),
    "accounts": lambda who, row, facts: _of_account(who, row["id"], facts),
    "role_grants": lambda who, row, facts: _of_account(who, row["account_id"], facts),
    "sign_ins": lambda who, row, facts: _of_account(who, row["account_id"], facts),
    "recovery_codes": lambda who, row, facts: _of_account(who, row["account_id"], facts),
    "api_keys": lambda who, row, facts: _manages(who, row["organisation_id"], facts),
    "audit_entries": _audit,
}
CHANGE: dict[str, Condition] = {
    **dict.fromkeys(("tip_desk_keys", "tip_threads", "tip_parts"), _desk),
    "tip_desks": lambda who, row, _: who.may("accounts") and row["organisation_id"] == who.viewer.organisation_id,
    "cases": lambda who, row, facts: who.may("decide") and _my_desk(who, row) and _case(who, row, facts),
    "case_subjects": lambda who, row, facts: who.may("decide") and _of_case(who, row, facts),
    "case_tasks": _case_task_changing,
    "alerts": _alert_changed,
    "alert_silences": lambda who, row, _: who.may("decide") and _of_desk(who, row),
    "notification_wishes": lambda who, row, facts: _of_account(who, row["account_id"], facts),
    "webhooks": READ["webhooks"],
    **dict.fromkeys(_PARTS_OF_PUBLICATIONS, _preparing),
    # Of a publication itself only the register changes anything, and that is when it becomes public or is withdrawn.
    "publications": lambda who, row, facts: False,
    "finding_decisions": _deciding,
    "obligations": lambda who, row, _: who.may("decide") and who.within(row["region"]),
    "review_items": _reviewing,
    "suspected_versions": lambda who, row, facts: who.may("decide") and _suspected(who, row, facts),
    "suspected_members": lambda who, row, facts: who.may("decide") and _link(who, row, facts),
    "links": lambda who, row, facts: who.may("decide") and _link(who, row, facts),
    # What is not seen cannot be changed either.
    "findings": lambda who, row, facts: who.may("decide") and who.within(row["region"]) and finding(who, row, facts),
    "project_versions": _in_region,
    "approvals": _in_region,
    "capacity_lines": _in_region,
    "project_codes": _in_region,
    "project_lineage": _in_region,
    "dispositions": lambda who, row, facts: _in_region(who, row, facts) or _of_decided_case(who, row, facts),
    "replacement_plans": _in_region,
    "restrictions": lambda who, row, _: who.may("register") and who.within(row["region"]),
    "rectifications": lambda who, row, facts: (
        _in_region(who, row, facts) or _of_decided_case(who, row, facts)
        if row["project_id"] is not None
        else who.may("register") and who.within(row["region"])
    ),
    "organisations": lambda who, row, _: who.may("accounts") and who.kind == "agency" and who.viewer.region == "000000",
    "accounts": READ["accounts"],
    "role_grants": lambda who, row, facts: _manages(who, facts.accounts[row["account_id"]]["organisation_id"], facts),
    "sign_ins": READ["sign_ins"],
    "recovery_codes": lambda who, row, _: row["account_id"] == who.viewer.account_id is not None,
    "api_keys": READ["api_keys"],
}


def expected(table: str, verb: str, who: Looking, rows: dict[str, Row], facts: Facts) -> set[str] | None:
    """The rows (by ctid) that somebody must see, or may change; None where nobody has said who may."""
    policy = POLICIES.get(table)
    condition = NOBODY if policy is None else policy.read if verb == "read" else policy.change
    own = (READ if verb == "read" else CHANGE).get(table)
    if own is not None:
        return {place for place, row in rows.items() if own(who, row, facts)}
    if condition == NOBODY:
        return set()
    if condition == EVERYBODY:
        return set(rows)
    if _PERMISSIONS.fullmatch(condition):
        return set(rows) if who.may(*re.findall(r"may\('(\w+)'\)", condition)) else set()
    return None
