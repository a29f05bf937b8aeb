"""What may be published, as views: one a kind, each of nothing but columns that are nobody's secret.

They read with the rights of whoever asks, and publishing asks as the public: a row that the public does not see cannot
be published, and a column that stands in none of these views cannot be named.
"""

from typing import Final

_PROJECT: Final = """
    SELECT DISTINCT ON (v.project_id) v.project_id, v.code AS project_code, v.name AS project_name, v.sector,
        v.region, v.owner_id AS enterprise_id, p.invented
    FROM project_versions AS v JOIN projects AS p ON p.id = v.project_id
    WHERE v.known_to = 'infinity' ORDER BY v.project_id, v.held_from DESC NULLS LAST
"""
_ENTERPRISE: Final = """
    SELECT DISTINCT ON (v.enterprise_id) v.enterprise_id, v.name AS enterprise_name, v.uscc AS enterprise_uscc,
        v.region, e.invented
    FROM enterprise_versions AS v JOIN enterprises AS e ON e.id = v.enterprise_id
    WHERE v.known_to = 'infinity' ORDER BY v.enterprise_id, v.held_from DESC NULLS LAST
"""
_DISPOSITIONS: Final = f"""
SELECT d.reference AS subject, d.version_id, d.kind AS decision, d.decided, d.number, d.authority,
    p.project_id, p.project_code, p.project_name, p.sector, p.region, e.enterprise_id, e.enterprise_name,
    e.enterprise_uscc, d.published AS known_published, d.synthetic OR p.invented AS synthetic
FROM dispositions AS d JOIN ({_PROJECT}) AS p ON p.project_id = d.project_id
LEFT JOIN ({_ENTERPRISE}) AS e ON e.enterprise_id = p.enterprise_id
WHERE d.known_to = 'infinity'
"""
_RECTIFICATIONS: Final = f"""
SELECT t.reference AS subject, t.version_id, t.decided, t.filed, t.number, t.authority,
    p.project_id, p.project_code, p.project_name, p.sector, coalesce(p.region, t.region) AS region, e.enterprise_id,
    e.enterprise_name, e.enterprise_uscc, t.published AS known_published,
    t.synthetic OR coalesce(p.invented, false) AS synthetic
FROM rectifications AS t LEFT JOIN ({_PROJECT}) AS p ON p.project_id = t.project_id
LEFT JOIN ({_ENTERPRISE}) AS e ON e.enterprise_id = p.enterprise_id
WHERE t.known_to = 'infinity'
"""
_PLANS: Final = f"""
SELECT r.reference AS subject, r.version_id, r.confirmed, r.announced, r.number, r.authority,
    p.project_id, p.project_code, p.project_name, p.sector, p.region, e.enterprise_id, e.enterprise_name,
    e.enterprise_uscc, r.published AS known_published, r.synthetic OR p.invented AS synthetic
FROM replacement_plans AS r JOIN ({_PROJECT}) AS p ON p.project_id = r.project_id
LEFT JOIN ({_ENTERPRISE}) AS e ON e.enterprise_id = p.enterprise_id
WHERE r.known_to = 'infinity'
"""
_PLAN_UNITS: Final = f"""
SELECT r.reference AS subject, u.version_id, u.product, u.amount, u.unit, u.retired,
    e.enterprise_name, q.equipment_class, u.reference AS place
FROM plan_units AS u
JOIN replacement_plans AS r ON r.plan_id = u.plan_id AND r.known_to = 'infinity'
LEFT JOIN equipment AS q ON q.reference = u.reference AND q.known_to = 'infinity'
LEFT JOIN ({_ENTERPRISE}) AS e ON e.enterprise_id = q.enterprise_id
WHERE u.known_to = 'infinity'
"""
# A list is known by its number; the units on it are the register's own.
_LISTS: Final = f"""
SELECT x.number AS subject, max(x.version_id) AS version_id, x.number, min(x.authority) AS authority,
    NULL::bigint AS project_id, NULL::bigint AS enterprise_id, NULL::text AS sector,
    CASE WHEN count(DISTINCT left(e.region, 2)) = 1 THEN min(left(e.region, 2)) || '0000' ELSE '000000' END AS region,
    NULL::date AS known_published, bool_or(x.synthetic OR coalesce(e.invented, false)) AS synthetic
FROM eliminations AS x LEFT JOIN ({_ENTERPRISE}) AS e ON e.enterprise_id = x.enterprise_id
WHERE x.known_to = 'infinity' AND x.number <> '' GROUP BY x.number
"""
_LIST_UNITS: Final = f"""
SELECT x.number AS subject, x.version_id, e.enterprise_name, e.enterprise_uscc, q.equipment_class, q.size,
    q.unit, x.deadline, x.cured, x.reference AS place
FROM eliminations AS x LEFT JOIN equipment AS q ON q.reference = x.equipment_reference AND q.known_to = 'infinity'
LEFT JOIN ({_ENTERPRISE}) AS e ON e.enterprise_id = coalesce(x.enterprise_id, q.enterprise_id)
WHERE x.known_to = 'infinity' AND x.number <> ''
"""
# name -> (whose rights it reads with, its statement), as registry.row_views has them
PUBLISHABLE: Final[dict[str, tuple[str, str]]] = {
    "publishable_dispositions": ("viewer", _DISPOSITIONS),
    "publishable_rectifications": ("viewer", _RECTIFICATIONS),
    "publishable_plans": ("viewer", _PLANS),
    "publishable_plan_units": ("viewer", _PLAN_UNITS),
    "publishable_lists": ("viewer", _LISTS),
    "publishable_list_units": ("viewer", _LIST_UNITS),
}
