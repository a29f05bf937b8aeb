-- Which registered enterprise the party of a record is: by USCC, by organisation code, else by exact normal name whose
-- region matches (the enterprise's own or that of a project of it).
--   enterprise_id   NULL where several remain; named: how many bear the name
--   covers          the name was borne on the day of the act
CREATE TEMPORARY TABLE parties ON COMMIT DROP AS
WITH numbered AS (
    SELECT l.record_id, v.enterprise_id, 'uscc' AS via
    FROM linking AS l JOIN enterprise_versions AS v ON v.uscc = l.party_uscc AND v.known_to = 'infinity'
    UNION
    SELECT l.record_id, v.enterprise_id, 'organisation_code'
    FROM linking AS l
    JOIN enterprise_versions AS v ON v.organisation_code = l.organisation_code AND v.known_to = 'infinity'
    WHERE NOT EXISTS (SELECT FROM enterprise_versions AS u WHERE u.uscc = l.party_uscc AND u.known_to = 'infinity')
),
by_number AS (
    SELECT record_id, min(via) AS via, count(DISTINCT enterprise_id) AS enterprises, min(enterprise_id) AS enterprise_id
    FROM numbered GROUP BY record_id
),
named AS (
    SELECT l.record_id, n.enterprise_id,
           bool_or(coalesce(n.held_from <= l.acted_on, TRUE) AND coalesce(l.acted_on <= n.held_to, TRUE)) AS covers,
           bool_or(n.kind = 'former') AS former,
           -- Another valid number under the same name is another company, or a wrong number: a person decides.
           bool_or(l.uscc_is_sure AND v.uscc IS NOT NULL) AS contradicted
    FROM linking AS l
    JOIN enterprise_names AS n ON n.name_normal = l.party_name AND n.known_to = 'infinity'
    JOIN enterprise_versions AS v ON v.enterprise_id = n.enterprise_id AND v.known_to = 'infinity'
    WHERE NOT EXISTS (SELECT FROM by_number AS b WHERE b.record_id = l.record_id)
      -- A name is used some time before it is registered and long after it is given up.
      AND coalesce(n.held_from - 365 <= l.acted_on, TRUE) AND coalesce(l.acted_on <= n.held_to + 1826, TRUE)
      AND (l.region IS NULL OR region_matches(v.region, l.region)
           OR EXISTS (SELECT FROM project_versions AS p
                      WHERE p.owner_id = n.enterprise_id AND p.known_to = 'infinity'
                        AND region_matches(p.region, l.region)))
    GROUP BY l.record_id, n.enterprise_id
),
by_name AS (
    SELECT record_id, bool_or(covers) AS covers, bool_or(contradicted) AS contradicted,
           -- Of several that bore the name at some time, those that bore it on the day.
           CASE WHEN bool_or(covers) THEN count(*) FILTER (WHERE covers) ELSE count(*) END AS enterprises,
           coalesce(min(enterprise_id) FILTER (WHERE covers), min(enterprise_id)) AS enterprise_id,
           bool_or(former) AS former
    FROM named GROUP BY record_id
)
SELECT record_id, via, enterprises, CASE enterprises WHEN 1 THEN enterprise_id END AS enterprise_id,
       TRUE AS covers, FALSE AS former, FALSE AS contradicted
FROM by_number
UNION ALL
SELECT record_id, 'name_region', enterprises, CASE WHEN enterprises = 1 AND NOT contradicted THEN enterprise_id END,
       covers, former, contradicted
FROM by_name;
