"""What policies ask of the viewer, and the views that show what everybody may know of confidential rows.

The views belong to the register's owner, so they see every row; each shows only columns that are nobody's secret.
"""

from typing import Final

from registry.publishing.figures import FIGURES
from registry.publishing.views import PUBLISHABLE
from registry.row_policies import credit_acts, sees_credit_finding
from registry.viewers import PORTAL_ROLE

FUNCTIONS: Final[tuple[str, ...]] = (
    """
    CREATE OR REPLACE FUNCTION may(permission text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT coalesce(strpos(current_setting('threegates.permissions', true), ',' || permission || ',') > 0, false)
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION my_account() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT nullif(current_setting('threegates.account', true), '')::bigint
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION my_organisation() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT nullif(current_setting('threegates.organisation', true), '')
    $$
    """,
    # Of the public intake: the thread whose receipt was given, the draft whose secret was.
    """
    CREATE OR REPLACE FUNCTION my_lookup() RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT decode(nullif(current_setting('threegates.tip_lookup', true), ''), 'hex')
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION my_draft() RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT decode(nullif(current_setting('threegates.tip_draft', true), ''), 'hex')
    $$
    """,
    # Every code at or below the viewer's region, successors included; the nation's viewer has them all, also NULL.
    """
    CREATE OR REPLACE FUNCTION is_national() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT coalesce(current_setting('threegates.region', true) = '000000', false)
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION my_regions() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT array_agg(code) FROM (
            SELECT nullif(current_setting('threegates.region', true), '') AS code
            UNION SELECT inner_code FROM region_within WHERE outer_code = current_setting('threegates.region', true)
        ) AS mine
    $$
    """,
    # A function and no condition in place: the policy of organisations itself asks this.
    """
    CREATE OR REPLACE FUNCTION serves_nation() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT is_national() AND NOT EXISTS (SELECT FROM organisations WHERE id = my_organisation() AND kind = 'bank')
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION my_lenders() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT lender_names FROM organisations WHERE id = my_organisation()
    $$
    """,
)

# Of a credit finding everybody may know that it is there, its gate, its project and the article: no act, no day, no
# amount, no evidence. What the viewer sees in full is left out, so that the two together hold each finding once.
_CREDIT_FLAGS: Final = f"""
SELECT f.version_id, f.fingerprint, f.rule, f.rule_version, f.basis, f.severity, f.lane, f.subject_kind, f.project_id,
    f.sector, f.region, f.parameters, f.citation, f.duty_holder, f.synthetic, f.state, f.episode, f.first_seen,
    f.known_from, f.known_to
FROM findings AS f
WHERE f.lane = 'credit' AND current_user = '{PORTAL_ROLE}' AND NOT {sees_credit_finding("f")}
"""
_FINDINGS_SHOWN: Final = """
SELECT false AS withheld, f.version_id, f.fingerprint, f.rule, f.rule_version, f.basis, f.severity, f.lane,
    f.subject_kind, f.subject_id, f.subject_reference, f.act, f.acted_on, f.project_id, f.enterprise_id, f.sector,
    f.region, f.reasons, f.parameters, f.citation, f.evidence, f.evidence_hash, f.duty_holder, f.synthetic, f.state,
    f.closed_reason, f.closed_facts, f.episode, f.first_seen, f.known_from, f.known_to
FROM findings AS f
UNION ALL
SELECT true, c.version_id, c.fingerprint, c.rule, c.rule_version, c.basis, c.severity, c.lane, c.subject_kind,
    0::bigint, ''::text, ''::text, NULL::date, c.project_id, NULL::bigint, c.sector, c.region, '{}'::text[],
    c.parameters, c.citation, '{}'::jsonb, ''::text, c.duty_holder, c.synthetic, c.state, ''::text, '{}'::jsonb,
    c.episode, c.first_seen,
    c.known_from, c.known_to
FROM credit_flags AS c
"""
# Of credit whole months: the first and the last day would be those of two acts.
_FEED_QUALITY: Final = f"""
SELECT r.feed, count(*) AS records,
    CASE WHEN bool_or(r.act IN ({credit_acts()})) THEN date_trunc('month', min(r.acted_on))::date
        ELSE min(r.acted_on) END AS covered_from,
    CASE WHEN bool_or(r.act IN ({credit_acts()})) THEN (date_trunc('month', max(r.acted_on))
        + interval '1 month - 1 day')::date ELSE max(r.acted_on) END AS covered_to,
    avg((r.project_code IS NULL AND r.party_uscc IS NULL)::int)::float AS without_codes,
    -- Where no link stands yet, nothing is decided either.
    count(*) FILTER (WHERE NOT EXISTS (SELECT FROM links AS l WHERE l.record_id = r.record_id
        AND l.known_to = 'infinity' AND l.outcome <> 'unlinked')) AS unlinked_records
FROM records AS r WHERE r.known_to = 'infinity' GROUP BY r.feed
"""
# That a person found a flag to be wrong is for everybody to know, without who, why or what.
_DISMISSED: Final = """
SELECT f.fingerprint, greatest(f.known_from, d.known_from) AS known_from, least(f.known_to, d.known_to) AS known_to
FROM finding_decisions AS d
JOIN findings AS f ON f.fingerprint = d.fingerprint AND f.episode = d.episode AND f.evidence_hash = d.evidence_hash
    AND f.known_from < d.known_to AND d.known_from < f.known_to
WHERE d.decision = 'dismissed' AND f.state = 'open'
"""
# Below this a number could be somebody whom people know.
TIP_COUNTS_FROM: Final = 5
_TIP_COUNTS: Final = f"""
SELECT counted.what, counted.quarter, CASE WHEN count(*) >= {TIP_COUNTS_FROM} THEN count(*) END AS reports
FROM (SELECT 'received' AS what, date_trunc('quarter', day)::date AS quarter FROM tip_threads
    UNION ALL SELECT outcome, date_trunc('quarter', closed_on)::date FROM tip_threads WHERE state = 'closed') AS counted
WHERE counted.quarter < date_trunc('quarter', CURRENT_DATE)
    AND counted.quarter >= date_trunc('quarter', CURRENT_DATE) - interval '1 year'
GROUP BY counted.what, counted.quarter
"""
_WAITING_OPINIONS: Final = """
SELECT d.account_id, count(*) AS number FROM link_decisions AS d
WHERE NOT d.in_force AND d.verdict <> 'undo' AND may('accounts')
    AND NOT EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = d.id)
    AND NOT EXISTS (SELECT FROM link_decisions AS n WHERE n.record_id = d.record_id AND n.id > d.id
        AND n.verdict <> 'undo' AND NOT EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = n.id))
GROUP BY d.account_id
"""
# name -> (whose rights it reads with, its statement), in the order in which they are made
VIEWS: Final[dict[str, tuple[str, str]]] = {
    **PUBLISHABLE,
    **FIGURES,
    "credit_flags": ("owner", _CREDIT_FLAGS),
    "findings_shown": ("viewer", _FINDINGS_SHOWN),
    "dismissed_findings": ("owner", _DISMISSED),
    "record_counts": (
        "owner",
        "SELECT feed, count(*) AS records FROM records WHERE known_to = 'infinity' GROUP BY feed",
    ),
    "feed_quality": ("owner", _FEED_QUALITY),
    "quarantine_counts": (
        "owner",
        "SELECT feed, count(*) AS open FROM quarantine WHERE resolved_at IS NULL GROUP BY feed",
    ),
    # Whom one may pass work or a role to, and who drafted what: names, and none of the secrets of an account.
    "colleagues": (
        "owner",
        "SELECT id, login, name, organisation_id, region, state FROM accounts WHERE may('accounts') OR may('audit') "
        "OR may('internal') OR organisation_id = my_organisation()",
    ),
    # Reports counted in quarters that are over, so that no number grows on the day of a report; small ones withheld.
    "tip_counts": ("owner", _TIP_COUNTS),
    # Who took over from whom: whoever decides must know whose first word it was.
    "successions": (
        "owner",
        "SELECT id, successor_id FROM accounts WHERE successor_id IS NOT NULL AND (may('internal') OR may('accounts'))",
    ),
    # How many first opinions of somebody wait for a second person, for who ends accounts; not on which records.
    "waiting_opinions": ("owner", _WAITING_OPINIONS),
    # Which offices there are: who reports chooses the one concerned and sees which one receives.
    "tip_offices": (
        "owner",
        "SELECT id, name_zh, name_en, region, lanes, invented FROM organisations "
        "WHERE kind = 'agency' AND ended_at IS NULL",
    ),
    # Names of projects, which are public: who reports finds the one it is about.
    "tip_projects": (
        "owner",
        "SELECT DISTINCT ON (p.project_id) p.project_id, p.name, p.name_normal, p.region, p.sector, "
        "e.name AS enterprise, e.name_normal AS enterprise_normal FROM project_versions AS p "
        "LEFT JOIN enterprise_versions AS e ON e.enterprise_id = p.owner_id AND e.known_to = 'infinity' "
        "WHERE p.known_to = 'infinity' ORDER BY p.project_id, p.held_from DESC NULLS LAST, e.held_from DESC NULLS LAST",
    ),
}
# Those that the public intake may read.
INTAKE_VIEWS: Final = frozenset({"tip_offices", "tip_projects"})
