-- Every registered project that a record could mean, and what speaks for it; where a code names one, that one alone.
--   coded          2 the record bears its present code, 1 an earlier one, 0 none
--   owned          the record's party owns it (or is a branch, or the head office, of the owner)
--   same_name      the normal names of the projects are equal
--   same_region    regions match; NULL where one is unknown
--   same_sector    the sector that the record shows, or the record shows none
--   other_numbers  the names state numbers and neither has all of the other's (一期 is not 二期)
--   same_product   a stated product is among its capacities
CREATE TEMPORARY TABLE candidates ON COMMIT DROP AS
WITH family AS (
    SELECT DISTINCT p.enterprise_id AS party_id, e.owner_id
    FROM parties AS p,
         LATERAL (
             SELECT p.enterprise_id AS owner_id
             UNION ALL
             SELECT o.owner_id FROM enterprise_owners AS o
             WHERE o.enterprise_id = p.enterprise_id AND o.kind = 'branch_of' AND o.known_to = 'infinity'
             UNION ALL
             SELECT o.enterprise_id FROM enterprise_owners AS o
             WHERE o.owner_id = p.enterprise_id AND o.kind = 'branch_of' AND o.known_to = 'infinity'
         ) AS e
    WHERE p.enterprise_id IS NOT NULL AND e.owner_id IS NOT NULL
),
coded AS MATERIALIZED (
    SELECT l.record_id, c.project_id, CASE c.kind WHEN 'earlier' THEN 1 ELSE 2 END AS coded, FALSE AS owned
    FROM linking AS l JOIN project_codes AS c ON c.code = l.project_code AND c.known_to = 'infinity'
    UNION ALL
    SELECT l.record_id, v.project_id, 2, FALSE
    FROM linking AS l JOIN project_versions AS v ON v.code = l.project_code AND v.known_to = 'infinity'
),
-- Present codes of one project decide (decisions.sql, by_code), whatever owner and name say.
decided AS MATERIALIZED (
    SELECT record_id, min(project_id) AS project_id FROM coded WHERE coded = 2
    GROUP BY record_id HAVING min(project_id) = max(project_id)
),
pairs AS (
    SELECT * FROM coded
    UNION ALL
    SELECT p.record_id, v.project_id, 0, TRUE
    FROM parties AS p
    JOIN family AS f ON f.party_id = p.enterprise_id
    JOIN project_versions AS v ON v.owner_id = f.owner_id AND v.known_to = 'infinity'
    LEFT JOIN decided AS d ON d.record_id = p.record_id
    WHERE d.record_id IS NULL OR d.project_id = v.project_id
    UNION ALL
    SELECT l.record_id, v.project_id, 0, FALSE
    FROM linking AS l JOIN project_versions AS v ON v.name_normal = l.project_name AND v.known_to = 'infinity'
    -- A name as common as 高炉大修改造 is borne in every city: those of others are no candidates. Where one side says no
    -- more than the province, the province has to do.
    WHERE left(v.region, 2) = left(l.region, 2)
      AND (left(v.region, 4) = left(l.region, 4) OR l.region LIKE '%0000' OR v.region LIKE '%0000')
      AND l.record_id NOT IN (SELECT record_id FROM decided)
),
gathered AS (
    SELECT record_id, project_id, max(coded) AS coded, bool_or(owned) AS owned FROM pairs GROUP BY record_id, project_id
),
described AS MATERIALIZED (
    SELECT g.*, v.name_normal, v.region, v.sector
    FROM gathered AS g JOIN project_versions AS v ON v.project_id = g.project_id AND v.known_to = 'infinity'
),
numbers AS (
    SELECT name, array_agg(DISTINCT found[1]) AS stated
    FROM (SELECT project_name AS name FROM linking WHERE project_name IS NOT NULL
          UNION SELECT name_normal FROM described) AS names,
         regexp_matches(name, '\d+(?:\.\d+)?', 'g') AS found
    GROUP BY name
)
SELECT g.record_id, g.project_id, g.coded, g.owned,
       coalesce(bool_or(g.name_normal = l.project_name), FALSE) AS same_name,
       bool_or(region_matches(g.region, l.region)) AS same_region,
       bool_or(l.shown IS NULL OR g.sector = l.shown) AS same_sector,
       coalesce(bool_and(NOT (theirs.stated <@ ours.stated OR ours.stated <@ theirs.stated)), FALSE) AS other_numbers,
       coalesce(bool_or(EXISTS (
           SELECT FROM capacity_lines AS c
           WHERE c.project_id = g.project_id AND c.known_to = 'infinity' AND c.product = ANY (l.products)
       )), FALSE) AS same_product
FROM described AS g
JOIN linking AS l USING (record_id)
LEFT JOIN numbers AS theirs ON theirs.name = l.project_name
LEFT JOIN numbers AS ours ON ours.name = g.name_normal
GROUP BY g.record_id, g.project_id, g.coded, g.owned;
