"""Who may read and write which rows: one entry a table, put in force by registry.row_security after each migration.

A condition is SQL over the table's row. It may ask `may('permission')`, `my_account()`, `my_organisation()`,
`my_regions()`, `my_lenders()`, `is_national()` and `serves_nation()`, each settled once a statement when written as
`(SELECT …)`.
"""

from dataclasses import dataclass
from typing import Final

from registry.audience import CREDIT_ACTS
from registry.publishing.tables import PUBLIC as PUBLIC_VERSION
from registry.roles import Permission

NOBODY: Final = "false"
EVERYBODY: Final = "true"


# What the jobs may do with a table where nothing narrower is said below.
JOBS_RIGHTS: Final = "SELECT, INSERT, UPDATE, DELETE, MAINTAIN"
NOTHING: Final = ""


@dataclass(frozen=True)
class Policy:
    """Conditions on a row: which of the portal's viewers reads, adds, changes or removes it.

    `jobs`: the rights of the jobs in the table; they see every row of it.
    """

    read: str = NOBODY
    add: str = NOBODY
    change: str = NOBODY
    remove: str = NOBODY
    jobs: str = JOBS_RIGHTS


def may(*permissions: Permission) -> str:
    """The condition that the viewer has one of these permissions."""
    return "(" + " OR ".join(f"(SELECT may('{one}'))" for one in permissions) + ")"


# Set by registry.viewers.become for the moment in which a key or a sign-in is looked up, never by a role.
RECOGNISING: Final = "(SELECT may('recognise'))"
_MINE: Final = "(SELECT my_account())"


def within(region: str) -> str:
    """The condition that a region is the viewer's or below it; without a region only the nation's viewers pass."""
    return f"((SELECT is_national()) OR {region} = ANY((SELECT my_regions())::text[]))"


def credit_acts() -> str:
    """The acts of credit as a list of SQL."""
    return ", ".join(f"'{act}'" for act in CREDIT_ACTS)


def sees_credit(row: str) -> str:
    """The condition that the viewer sees a row of `records` that tells of credit: by region, or as its lender."""
    return (
        f"(((SELECT may('credit')) AND {within(f'{row}.region')}) OR ((SELECT may('credit_own')) AND "
        f"({row}.lender_normal = ANY((SELECT my_lenders())::text[]) OR {row}.feed = (SELECT my_organisation()))))"
    )


def sees_credit_finding(row: str) -> str:
    """The condition that the viewer sees a credit finding in detail: who sees its record does."""
    return (
        f"(((SELECT may('credit')) AND (SELECT is_national())) OR CASE WHEN {row}.subject_kind = 'record' THEN "
        f"EXISTS (SELECT FROM records AS seen WHERE seen.record_id = {row}.subject_id AND seen.known_to = 'infinity' "
        f"AND {sees_credit('seen')}) ELSE (SELECT may('credit')) AND {within(f'{row}.region')} END)"
    )


def _of_project(table: str) -> str:
    """The condition that the row's project lies within the viewer's region."""
    return f"({may('register')} AND {_within_project(table)})"


def _within_project(table: str) -> str:
    return (
        f"((SELECT is_national()) OR EXISTS (SELECT FROM project_versions AS place "
        f"WHERE place.project_id = {table}.project_id AND place.known_to = 'infinity' "
        "AND place.region = ANY((SELECT my_regions())::text[])))"
    )


# A bank's people have what is the bank's, wherever it is registered.
_FOR_THE_NATION: Final = "(SELECT serves_nation())"


def _decided_in_case(table: str) -> str:
    """The condition that a reviewer writes a fact as a case decides it: its reference says of which."""
    return f"({may('decide')} AND starts_with({table}.reference, 'case:') AND {_within_project(table)})"


def _project_part(table: str) -> Policy:
    return Policy(read=EVERYBODY, add=_of_project(table), change=_of_project(table))


def _managed(organisation: str) -> str:
    """The condition that an administrator is in charge of an organisation.

    Of the own one always; of an agency's also of the same agency's offices within the region, and from the nation of
    all. A bank's administrator has the bank alone, wherever it is.
    """
    return (
        f"({may('accounts')} AND {organisation} IN (SELECT office.id FROM organisations AS office JOIN organisations "
        "AS mine ON mine.id = (SELECT my_organisation()) WHERE office.id = mine.id OR mine.kind = 'agency' AND "
        "((SELECT is_national()) OR office.agency_id = mine.agency_id AND "
        "office.region = ANY((SELECT my_regions())::text[]))))"
    )


def _of_account(column: str) -> str:
    """The condition that an administrator is in charge of the account a row belongs to."""
    return (
        f"({may('accounts')} AND EXISTS (SELECT FROM accounts AS theirs WHERE theirs.id = {column} "
        f"AND {_managed('theirs.organisation_id')}))"
    )


_OPEN: Final = Policy(read=EVERYBODY)
# What migrations alone write.
_GIVEN: Final = Policy(read=EVERYBODY, jobs="SELECT")
# An enterprise has projects in many regions: whoever registers anywhere may describe one.
_REGISTERED: Final = Policy(read=EVERYBODY, add=may("register"), change=may("register"))
_PLACED: Final = f"({may('register')} AND {within('project_versions.region')})"
_RESTRICTED: Final = f"({may('register')} AND {within('restrictions.region')})"
# Of one project, or of a whole region.
_RECTIFIED: Final = (
    f"({_of_project('rectifications')} OR "
    f"(project_id IS NULL AND {may('register')} AND {within('rectifications.region')}) OR "
    f"{_decided_in_case('rectifications')})"
)
_DISPOSED: Final = f"({_of_project('dispositions')} OR {_decided_in_case('dispositions')})"
# Lanes and lender names say who sees credit: only the nation's administrators write them.
_OFFICE: Final = f"({may('accounts')} AND {_FOR_THE_NATION})"
_PERSON: Final = _managed("accounts.organisation_id")
# The register's own key belongs to no organisation: the portal makes it as it starts, before there is anybody.
_STARTING: Final = (
    f"({may('accounts')} AND (SELECT is_national()) AND (SELECT my_organisation()) IS NULL "
    "AND api_keys.organisation_id IS NULL)"
)
_KEY: Final = f"({_managed('api_keys.organisation_id')} OR {_STARTING})"
_VISIBLE_RECORD: Final = (
    "EXISTS (SELECT FROM records AS of_link WHERE of_link.record_id = links.record_id "
    "AND of_link.known_to = 'infinity')"
)
# Set by registry.viewers.become while the register itself makes public what passed its approvals, never by a role.
_PRESS: Final = "(SELECT may('press'))"
# Set by registry.viewers.become while the gate itself answers, never by a role.
_GATEKEEPING: Final = "(SELECT may('gatekeep'))"
# A caller without an organisation, such as the register's first key, has what it asked itself.
_ASKED_HERE: Final = (
    f"({may('gate')} AND organisation_id IS NOT DISTINCT FROM coalesce((SELECT my_organisation()), '')"
    f" OR {may('audit')} AND organisation_id = (SELECT my_organisation()))"
)
_DECIDED: Final = f"({may('decide')} AND {within('findings.region')})"

_DECIDED_FINDING: Final = (
    f"({may('decide')} AND EXISTS (SELECT FROM findings AS decided WHERE decided.fingerprint = "
    f"finding_decisions.fingerprint AND decided.known_to = 'infinity' AND {within('decided.region')}))"
)
_VISIBLE_FINDING: Final = (
    "EXISTS (SELECT FROM findings AS decided WHERE decided.fingerprint = finding_decisions.fingerprint)"
)
# Of a suspected project one record that the viewer sees: by the policy of its members.
_HOLDS_VISIBLE: Final = (
    "EXISTS (SELECT FROM suspected_members AS of_file WHERE of_file.suspected_id = suspected_versions.suspected_id "
    "AND of_file.known_to = 'infinity')"
)
_OBLIGED: Final = f"({may('decide')} AND {within('obligations.region')})"


# Set by registry.handover while what is open in a leaving person's name is counted and moved, never by a role.
_HANDOVER: Final = "(SELECT may('hand_over'))"


def _prepared(table: str) -> str:
    """The condition that a row of publishing lies within the viewer's region, for whoever prepares publications."""
    return f"({may('publish', 'decide')} AND {within(f'{table}.region')})"


def _published(table: str, public: str) -> Policy:
    """A part of publishing: for everybody what is public, for officials of the region all; the press alone shows."""
    official = f"({may('internal')} AND {within(f'{table}.region')})"
    working = f"(NOT ({public}) AND {_prepared(table)})"
    return Policy(
        read=f"({public} OR {_PRESS} OR {official})",
        add=working,
        change=f"({_PRESS} OR {working})",
    )


def _of_visible_record(table: str, *, mine: bool = False) -> str:
    """The condition that the viewer sees the record of a row; `mine`: which lies in the viewer's region too."""
    place = f" AND {within('of_row.region')}" if mine else ""
    return (
        f"EXISTS (SELECT FROM records AS of_row WHERE of_row.record_id = {table}.record_id "
        f"AND of_row.known_to = 'infinity'{place})"
    )


def _reviewed(table: str) -> str:
    return f"({may('register', 'decide')} AND {_of_visible_record(table)})"


def _reviewing(table: str) -> str:
    return f"({may('decide')} AND {_of_visible_record(table, mine=True)})"


# Of reports: the desk's reviewers and supervisors; their desk is their organisation.
_DESK: Final = f"({may('decide')} AND organisation_id = (SELECT my_organisation()))"
_DESK_KEPT: Final = f"({may('accounts')} AND organisation_id = (SELECT my_organisation()))"
_DESK_S_THREAD: Final = "EXISTS (SELECT FROM tip_threads AS of_part WHERE of_part.id = tip_parts.thread_id)"
_DESK_S_PART: Final = (
    f"({may('decide')} AND EXISTS (SELECT FROM tip_parts AS of_chunk WHERE of_chunk.id = tip_chunks.part_id))"
)
_LINKED: Final = (
    f"({may('decide')} AND EXISTS (SELECT FROM tip_threads AS linked WHERE linked.id = tip_links.thread_id))"
)


def _of_case(table: str) -> str:
    """The condition that the viewer reads the case of a row, and the row where it tells of credit."""
    return (
        f"({may('internal')} AND (NOT {table}.credit OR {may('credit')}) AND "
        f"EXISTS (SELECT FROM cases AS of_row WHERE of_row.id = {table}.case_id))"
    )


# Officials within the region, the case's own desk, and whoever was given a task of it.
_MY_DESK: Final = "(desk_id = (SELECT my_organisation()) OR (SELECT my_organisation()) = ANY(organisations))"
_CASE: Final = f"({may('internal')} AND (NOT credit OR {may('credit')}) AND ({within('cases.region')} OR {_MY_DESK}))"
_CASE_FILE: Final = "EXISTS (SELECT FROM case_files AS of_row WHERE of_row.id = case_file_contents.file_id)"
_CASE_DECISION: Final = (
    f"({may('internal')} AND EXISTS (SELECT FROM cases AS of_row WHERE of_row.id = case_decisions.case_id))"
)
_CASE_WORKERS: Final = may("register", "decide")
# An alert is for the officials of its place and for its desk; of credit for finance alone.
_VISIBLE_ALERT: Final = (
    f"({may('internal')} AND (lane <> 'credit' OR {may('credit')}) AND ({within('alerts.region')} "
    "OR organisation_id = (SELECT my_organisation()) OR escalated_to = (SELECT my_organisation()) "
    "OR case_id IS NOT NULL AND EXISTS (SELECT FROM cases AS took WHERE took.id = alerts.case_id)))"
)
# Its desk acts on it, whoever it was escalated to, the same agency above the desk; on one without a desk the nation's.
_DESK_OF_ALERT: Final = (
    f"({may('decide')} AND (organisation_id = (SELECT my_organisation()) "
    "OR escalated_to = (SELECT my_organisation()) OR case_id IS NOT NULL AND EXISTS (SELECT FROM cases AS took "
    "WHERE took.id = alerts.case_id AND took.desk_id = (SELECT my_organisation())) "
    f"OR organisation_id IS NULL AND {_FOR_THE_NATION} OR {within('alerts.region')} AND EXISTS ("
    "SELECT FROM organisations AS desk JOIN organisations AS mine ON mine.id = (SELECT my_organisation()) "
    "AND mine.agency_id = desk.agency_id WHERE desk.id = alerts.organisation_id)))"
)
_OF_DESK: Final = "organisation_id = (SELECT my_organisation())"


def _of_alert(table: str) -> str:
    """The condition that the viewer sees the alert of a row."""
    return f"EXISTS (SELECT FROM alerts AS of_alert WHERE of_alert.id = {table}.alert_id)"


_GIVEN_TABLES: Final = """
    agencies agency_successions alembic_version industries industry_successions law_articles law_documents law_duties
    region_successions region_within regions
"""
_OPEN_TABLES: Final = "feeds judging_runs notices notice_items productions register_facts sources sync_pages"
_REGISTERED_TABLES: Final = """
    eliminations enterprise_names enterprise_orders enterprise_owners enterprise_versions enterprises equipment
    plan_units projects
"""
_PARTS_OF_PROJECTS: Final = "approvals capacity_lines project_codes project_lineage replacement_plans"
_WRITERS: Final = may("register", "decide", "operate")
_ACTING: Final = may("register", "decide", "publish", "gate", "accounts", "operate")

POLICIES: Final[dict[str, Policy]] = {
    **dict.fromkeys(_GIVEN_TABLES.split(), _GIVEN),
    **dict.fromkeys(_OPEN_TABLES.split(), _OPEN),
    **dict.fromkeys(_REGISTERED_TABLES.split(), _REGISTERED),
    **{table: _project_part(table) for table in _PARTS_OF_PROJECTS.split()},
    "restrictions": Policy(read=EVERYBODY, add=_RESTRICTED, change=_RESTRICTED),
    "rectifications": Policy(read=EVERYBODY, add=_RECTIFIED, change=_RECTIFIED),
    "dispositions": Policy(read=EVERYBODY, add=_DISPOSED, change=_DISPOSED),
    "project_versions": Policy(read=EVERYBODY, add=_PLACED, change=_PLACED),
    # What agencies sent. Credit is for who may see it; what others may know of it is in the views.
    "records": Policy(read=f"(act NOT IN ({credit_acts()}) OR {sees_credit('records')})"),
    "links": Policy(
        read=_VISIBLE_RECORD,
        add=f"({may('decide')} AND {_VISIBLE_RECORD})",
        change=f"({may('decide')} AND {_VISIBLE_RECORD})",
    ),
    # What awaits a reviewer, and what reviewers decided: as their records are seen.
    "link_models": Policy(read=may("internal")),
    "link_candidates": Policy(read=_reviewed("link_candidates")),
    "review_items": Policy(
        read=_reviewed("review_items"), add=_reviewing("review_items"), change=_reviewing("review_items")
    ),
    "link_decisions": Policy(
        read=_reviewed("link_decisions"),
        add=f"({_reviewing('link_decisions')} AND account_id = {_MINE})",
    ),
    # Suspected projects accuse nobody in public: officials alone see them, and those of which only credit tells finance
    # alone, where they lie in its region or one of their records does.
    "suspected_projects": Policy(read=may("internal"), add=may("decide")),
    "suspected_versions": Policy(
        read=f"({may('internal')} AND (NOT credit_only OR {may('credit')} AND "
        f"({within('suspected_versions.region')} OR {_HOLDS_VISIBLE})))",
        add=may("decide"),
        change=may("decide"),
    ),
    "suspected_members": Policy(
        read=f"({may('internal')} AND {_of_visible_record('suspected_members')})",
        add=_reviewing("suspected_members"),
        change=f"({may('decide')} AND {_of_visible_record('suspected_members')})",
    ),
    "findings": Policy(
        read=f"(lane <> 'credit' OR {sees_credit_finding('findings')})",
        add=_DECIDED,
        change=_DECIDED,
    ),
    "finding_decisions": Policy(
        read=f"({may('internal')} AND {_VISIBLE_FINDING})", add=_DECIDED_FINDING, change=_DECIDED_FINDING
    ),
    # The law is for everybody; who puts a value in force is the second of two people.
    "parameter_values": Policy(read=EVERYBODY, add=may("approve"), change=may("approve")),
    "backtests": Policy(read=may("internal"), add=may("internal")),
    # Banks too: what an enterprise has defaulted on, they must know.
    "obligations": Policy(read=may("internal", "credit", "credit_own"), add=_OBLIGED, change=_OBLIGED),
    # Cases. Who of those who may change one does so is its desk's matter (registry.cases): a desk may hand one on.
    "cases": Policy(
        read=f"({_HANDOVER} OR {_CASE})",
        add=f"({may('decide')} AND {_CASE})",
        change=f"({may('decide')} AND (NOT credit OR {may('credit')}) AND {_MY_DESK} OR {_HANDOVER})",
    ),
    "case_serials": Policy(read=may("decide"), add=may("decide"), change=may("decide")),
    "case_subjects": Policy(
        read=_of_case("case_subjects"),
        add=f"({may('decide')} AND {_of_case('case_subjects')})",
        change=f"({may('decide')} AND {_of_case('case_subjects')})",
    ),
    "case_tasks": Policy(
        read=f"({_HANDOVER} OR {_of_case('case_tasks')})",
        add=f"({may('decide')} AND {_of_case('case_tasks')})",
        change=f"({_CASE_WORKERS} AND {_of_case('case_tasks')} AND (organisation_id = (SELECT my_organisation()) "
        "OR EXISTS (SELECT FROM cases AS worked_on WHERE worked_on.id = case_tasks.case_id "
        f"AND worked_on.desk_id = (SELECT my_organisation()))) OR {_HANDOVER})",
    ),
    "case_decisions": Policy(read=_CASE_DECISION, add=f"({may('decide')} AND {_CASE_DECISION})"),
    **{
        table: Policy(read=_of_case(table), add=f"({_CASE_WORKERS} AND {_of_case(table)})")
        for table in ("case_notes", "case_files", "case_events")
    },
    "case_file_contents": Policy(read=_CASE_FILE, add=f"({_CASE_WORKERS} AND {_CASE_FILE})"),
    "sync_runs": Policy(read=EVERYBODY, change=may("operate")),
    "quarantine": Policy(read=may("operate"), change=may("operate")),
    # How much waits is no secret: ids and kinds, nothing of the rows.
    "dirty_marks": Policy(read=EVERYBODY, add=_WRITERS, change=_WRITERS),
    # An answer that has run out gives way to the next under the same key.
    "idempotent_answers": Policy(read=_ACTING, add=_ACTING, change=_ACTING),
    # Gate checks: of those who asked; a receipt also for whoever names its address, which nobody can guess.
    "gate_keys": Policy(read=EVERYBODY, add=_GATEKEEPING),
    "gate_checks": Policy(
        read=f"({_GATEKEEPING} OR address = (SELECT current_setting('threegates.receipt', true)) OR {_ASKED_HERE})",
        add=_GATEKEEPING,
    ),
    "gate_batches": Policy(read=f"({_GATEKEEPING} OR {_ASKED_HERE})", add=f"({may('gate')} AND {_ASKED_HERE})"),
    "gate_notices": Policy(
        read="EXISTS (SELECT FROM gate_checks AS told WHERE told.id = gate_notices.check_id)",
    ),
    "gate_marks": Policy(
        read=f"({may('internal', 'credit_own')} AND EXISTS (SELECT FROM records AS marked "
        "WHERE marked.record_id = gate_marks.record_id AND marked.known_to = 'infinity'))"
    ),
    # Reports: their desk's own, and sealed; desks and public keys are for everybody.
    "tip_desks": Policy(read=EVERYBODY, add=_DESK_KEPT, change=_DESK_KEPT, jobs="SELECT"),
    # Ended by their desk, and with their holder's account.
    "tip_desk_keys": Policy(read=EVERYBODY, add=_DESK, change=f"({_DESK} OR {_HANDOVER})", jobs="SELECT"),
    "tip_outer_keys": Policy(read=EVERYBODY),
    "tip_threads": Policy(read=_DESK, change=_DESK),
    # Desks add answers; what a reporter sent is sealed again (to other keys) and never changed.
    "tip_parts": Policy(
        read=f"({_DESK} AND thread_id IS NOT NULL)",
        add=f"({_DESK} AND direction = 'out' AND {_DESK_S_THREAD})",
        change=f"({_DESK} AND thread_id IS NOT NULL)",
    ),
    "tip_chunks": Policy(read=_DESK_S_PART, add=_DESK_S_PART, remove=_DESK_S_PART, jobs="SELECT, DELETE"),
    "tip_links": Policy(read=_LINKED, add=f"({_LINKED} AND linked_by = {_MINE})", remove=_LINKED),
    # Alerts are written by the jobs; people acknowledge, snooze and silence.
    "alerts": Policy(read=f"({_HANDOVER} OR {_VISIBLE_ALERT})", change=f"({_HANDOVER} OR {_DESK_OF_ALERT})"),
    "alert_findings": Policy(read=_of_alert("alert_findings")),
    "alert_events": Policy(read=_of_alert("alert_events"), add=f"({may('decide')} AND {_of_alert('alert_events')})"),
    "alert_silences": Policy(
        read=f"({may('internal')} AND {_OF_DESK})",
        add=f"({may('decide')} AND {_OF_DESK})",
        change=f"({may('decide')} AND {_OF_DESK})",
    ),
    # What people are told, and whether it reached them: of those it is for, and of who runs the machines.
    "announcements": Policy(
        read=f"({_MINE} = ANY(account_ids) OR {may('internal')} AND {_OF_DESK} "
        f"AND (lane <> 'credit' OR {may('credit')}))",
        add=_ACTING,
    ),
    "deliveries": Policy(
        read=f"(account_id = {_MINE} OR {may('internal', 'accounts')} AND {_OF_DESK} OR {may('operate')})"
    ),
    "delivery_attempts": Policy(read=f"({may('internal', 'accounts')} AND {_OF_DESK} OR {may('operate')})"),
    "notification_wishes": Policy(
        # Who is in charge of an account sees that its mail comes back, and lifts it with a new address.
        read=f"({RECOGNISING} OR account_id = {_MINE} OR {_of_account('account_id')})",
        add=f"account_id = {_MINE}",
        change=f"(account_id = {_MINE} OR {_of_account('account_id')})",
    ),
    "webhooks": Policy(
        read=_managed("webhooks.organisation_id"),
        add=_managed("webhooks.organisation_id"),
        change=_managed("webhooks.organisation_id"),
    ),
    # Publications: the public has what passed its approvals; only the press of the register gives a public state.
    "publications": Policy(
        read=f"(public_since IS NOT NULL OR {_PRESS} OR ({may('internal')} AND {within('publications.region')}))",
        add=f"(public_since IS NULL AND {_prepared('publications')})",
        change=_PRESS,
    ),
    "publication_versions": _published("publication_versions", PUBLIC_VERSION),
    "publication_objections": _published("publication_objections", "shown"),
    "publication_replies": _published("publication_replies", "shown"),
    "publication_appeals": _published("publication_appeals", "shown"),
    "publication_chain": Policy(read=EVERYBODY, add=_PRESS),
    # People.
    "organisations": Policy(
        read=f"({RECOGNISING} OR {may('internal', 'accounts', 'audit')} OR id = (SELECT my_organisation()))",
        add=_OFFICE,
        change=_OFFICE,
        jobs="SELECT",
    ),
    "accounts": Policy(
        read=f"({RECOGNISING} OR id = {_MINE} OR {_PERSON})",
        add=_PERSON,
        change=f"({RECOGNISING} OR id = {_MINE} OR {_PERSON})",
        # Who is there and where mail reaches them, and none of the secrets.
        jobs="SELECT (id, login, name, email, language, organisation_id, region, state)",
    ),
    "role_grants": Policy(
        read=f"({RECOGNISING} OR account_id = {_MINE} OR delegated_by = {_MINE} OR {_of_account('account_id')})",
        # One's own role is passed on by oneself; every other grant is an administrator's.
        # Nobody grants to themselves.
        add=f"(account_id <> {_MINE} AND (delegated_by = {_MINE} OR delegated_by IS NULL AND "
        f"{_of_account('account_id')}))",
        change=f"(delegated_by = {_MINE} OR {_of_account('account_id')})",
        jobs="SELECT",
    ),
    "sign_ins": Policy(
        read=f"({RECOGNISING} OR account_id = {_MINE} OR {_of_account('account_id')})",
        add=RECOGNISING,
        change=f"({RECOGNISING} OR account_id = {_MINE} OR {_of_account('account_id')})",
        jobs="SELECT (ends_at), DELETE",
    ),
    "recovery_codes": Policy(
        # Only what is seen can be removed, and a reset removes them.
        read=f"({RECOGNISING} OR account_id = {_MINE} OR {_of_account('account_id')})",
        add=f"({RECOGNISING} OR account_id = {_MINE})",
        change=f"({RECOGNISING} OR account_id = {_MINE})",
        remove=f"({RECOGNISING} OR account_id = {_MINE} OR {_of_account('account_id')})",
        jobs=NOTHING,
    ),
    "api_keys": Policy(
        read=f"({RECOGNISING} OR {_KEY})",
        add=_KEY,
        change=f"({RECOGNISING} OR {_KEY})",
        jobs="SELECT (previous_until), UPDATE (previous_hash, previous_until)",
    ),
    "proposals": Policy(
        read=may("internal", "accounts"),
        add=f"({may('internal')} AND drafted_by = {_MINE})",
        change=may("internal", "accounts"),
    ),
    # The audit: everybody's acts go in, auditors read, nobody changes.
    "audit_entries": Policy(
        read=f"({may('audit')} AND (organisation_id = (SELECT my_organisation()) OR {_FOR_THE_NATION}))",
        add=EVERYBODY,
        jobs="SELECT, INSERT",
    ),
    "audit_batches": Policy(read=may("audit"), jobs="SELECT, INSERT"),
    "audit_seals": Policy(read=may("audit"), jobs="SELECT, INSERT"),
}

# The public intake: it adds reports, and of threads it sees the one whose receipt was given; nothing else.
_OWN_THREAD: Final = "EXISTS (SELECT FROM tip_threads AS own WHERE own.id = tip_parts.thread_id)"
_OWN_PART: Final = f"(draft_hash = (SELECT my_draft()) OR {_OWN_THREAD})"


def _own_chunk(condition: str) -> str:
    return f"EXISTS (SELECT FROM tip_parts AS own_part WHERE own_part.id = tip_chunks.part_id AND own_part.{condition})"


INTAKE_POLICIES: Final[dict[str, Policy]] = {
    "regions": Policy(read=EVERYBODY),
    "tip_desks": Policy(read="until IS NULL"),
    "tip_desk_keys": Policy(read="(until IS NULL AND confirmed_by IS NOT NULL)"),
    "tip_threads": Policy(
        read="lookup_hash = (SELECT my_lookup())",
        add="(lookup_hash = (SELECT my_lookup()) AND state = 'received' AND outcome = '')",
    ),
    "tip_parts": Policy(
        read=_OWN_PART,
        add=f"(direction = 'in' AND NOT complete AND {_OWN_PART})",
        change=f"(direction = 'in' AND {_OWN_PART})",
        remove="(direction = 'in' AND draft_hash = (SELECT my_draft()))",
    ),
    # What a reporter sent is not given back, to whomever: only answers are read.
    "tip_chunks": Policy(read=_own_chunk("direction = 'out'"), add=_own_chunk("direction = 'in'")),
}
