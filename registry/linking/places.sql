-- For each sector and city that records show: whether the register holds a project there that could be theirs.
--   shown, city     as the records show them; '' where they show none
--   holds           a project of the sector lies there, or nobody knows where (shown none: of any sector)
--   holds_nameless  and one whose owner has no USCC in the register, so that a USCC alone excludes nothing
CREATE TEMPORARY TABLE places ON COMMIT DROP AS
WITH cities AS (
    SELECT DISTINCT coalesce(city, '') AS city FROM linking
),
standing AS (
    SELECT v.sector, coalesce(v.region, '') AS region,
           bool_or(v.owner_id IS NULL OR n.enterprise_id IS NOT NULL) AS nameless
    FROM project_versions AS v
    -- Few have none, and an index of their own.
    LEFT JOIN (SELECT DISTINCT enterprise_id FROM enterprise_versions WHERE uscc IS NULL AND known_to = 'infinity') AS n
           ON n.enterprise_id = v.owner_id
    WHERE v.known_to = 'infinity'
    GROUP BY v.sector, coalesce(v.region, '')
),
regions_of_projects AS (
    SELECT DISTINCT region FROM standing
),
-- What region_matches says, spread over joins that hash: thousands of cities meet thousands of regions here.
together AS (
    SELECT c.city, r.region FROM cities AS c JOIN regions_of_projects AS r ON left(r.region, 4) = left(c.city, 4)
    UNION
    SELECT c.city, r.region FROM cities AS c JOIN regions_of_projects AS r ON left(r.region, 2) = left(c.city, 2)
    WHERE c.city LIKE '__0000' OR r.region LIKE '__0000'
    UNION
    SELECT c.city, w.inner_code FROM cities AS c JOIN region_within AS w ON w.outer_code = c.city
    UNION
    SELECT c.city, w.outer_code FROM cities AS c JOIN region_within AS w ON w.inner_code = c.city
    UNION
    SELECT c.city, r.region FROM cities AS c CROSS JOIN regions_of_projects AS r WHERE c.city = ''
    UNION
    SELECT c.city, r.region FROM cities AS c CROSS JOIN regions_of_projects AS r WHERE r.region = ''
)
SELECT s.shown, s.city, bool_or(p.region IS NOT NULL) AS holds, coalesce(bool_or(p.nameless), FALSE) AS holds_nameless
FROM (SELECT DISTINCT coalesce(shown, '') AS shown, coalesce(city, '') AS city FROM linking) AS s
LEFT JOIN (together AS t JOIN standing AS p ON p.region = t.region)
       ON t.city = s.city AND (s.shown = '' OR p.sector = s.shown)
GROUP BY s.shown, s.city;
