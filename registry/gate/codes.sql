-- What each question that gives a code can mean: the projects that bear it, now (2) or earlier (1), and its party.
--   $1  as in matching.sql; most questions give a code, and this is a tenth of that statement's work
WITH asked AS (
    SELECT * FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS a (
        n integer, code text, party_uscc text, party_name text, industry text
    )
)
SELECT a.n, party.enterprise_id AS party_id, party.enterprises AS parties, coded.project_id, coded.coded,
       CASE WHEN a.industry IS NOT NULL THEN (
           SELECT min(i.sector) FROM industries AS i WHERE i.code = a.industry AND i.decides_sector
       ) END AS trade_sector
FROM asked AS a
CROSS JOIN LATERAL (
    SELECT min(found.enterprise_id) AS enterprise_id, count(*) AS enterprises
    FROM (
        SELECT v.enterprise_id FROM enterprise_versions AS v
        WHERE v.known_to = 'infinity' AND v.uscc = a.party_uscc
        UNION
        SELECT v.enterprise_id FROM enterprise_names AS v
        WHERE v.known_to = 'infinity' AND a.party_uscc IS NULL AND v.name_normal = a.party_name
    ) AS found
) AS party
LEFT JOIN LATERAL (
    SELECT found.project_id, max(found.coded) AS coded
    FROM (
        SELECT v.project_id, 2 AS coded FROM project_versions AS v WHERE v.code = a.code AND v.known_to = 'infinity'
        UNION ALL
        SELECT c.project_id, CASE c.kind WHEN 'earlier' THEN 1 ELSE 2 END FROM project_codes AS c
        WHERE c.code = a.code AND c.known_to = 'infinity'
    ) AS found
    GROUP BY found.project_id
) AS coded ON TRUE
ORDER BY a.n
