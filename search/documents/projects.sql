-- One document a project, of what anybody may see: no amount, and of credit no more than that it is flagged.
WITH asked AS MATERIALIZED ({asked}),
place AS MATERIALIZED (
    SELECT DISTINCT ON (code) code, name FROM regions ORDER BY code, held_from DESC
),
-- The latest description is the one shown; all of them are found.
described AS (
    SELECT DISTINCT ON (v.project_id) v.*
    FROM project_versions AS v JOIN asked ON asked.id = v.project_id
    WHERE v.known_to = 'infinity'
    ORDER BY v.project_id, v.held_from DESC NULLS LAST
),
named AS (
    SELECT v.project_id, array_agg(DISTINCT v.name) AS names, array_agg(DISTINCT v.name_normal) AS names_normal
    FROM project_versions AS v JOIN described AS d ON d.project_id = v.project_id AND d.name <> v.name
    WHERE v.known_to = 'infinity'
    GROUP BY v.project_id
),
owner AS (
    SELECT DISTINCT ON (v.enterprise_id) v.enterprise_id, v.name, v.name_pinyin, v.uscc
    FROM enterprise_versions AS v
    WHERE v.known_to = 'infinity' AND v.enterprise_id IN (SELECT owner_id FROM described)
    ORDER BY v.enterprise_id, v.held_from DESC NULLS LAST
),
owner_names AS (
    SELECT n.enterprise_id, array_agg(DISTINCT n.name_normal) AS names_normal
    FROM enterprise_names AS n
    WHERE n.known_to = 'infinity' AND n.enterprise_id IN (SELECT owner_id FROM described)
    GROUP BY n.enterprise_id
),
coded AS (
    SELECT c.project_id, array_agg(DISTINCT replace(c.code, '-', '')) AS codes
    FROM project_codes AS c JOIN asked ON asked.id = c.project_id
    WHERE c.known_to = 'infinity'
    GROUP BY c.project_id
),
numbered AS (
    SELECT a.project_id, array_agg(DISTINCT a.number) AS numbers
    FROM approvals AS a JOIN asked ON asked.id = a.project_id
    WHERE a.known_to = 'infinity' AND a.number <> ''
    GROUP BY a.project_id
),
reported AS (
    SELECT l.project_id, count(DISTINCT r.record_id) AS records,
           array_agg(DISTINCT {lane}) AS lanes, array_agg(DISTINCT r.feed) AS agencies
    FROM links AS l JOIN asked ON asked.id = l.project_id
    JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
    WHERE l.known_to = 'infinity' AND l.outcome = 'linked' AND NOT {confidential}
    GROUP BY l.project_id
),
flagged AS (
    SELECT f.project_id, count(*) AS flags, array_agg(DISTINCT f.lane) AS lanes, array_agg(DISTINCT f.rule) AS rules
    FROM findings AS f JOIN asked ON asked.id = f.project_id
    WHERE f.known_to = 'infinity' AND f.state = 'open' AND NOT EXISTS (
        SELECT FROM dismissed_findings AS x WHERE x.fingerprint = f.fingerprint AND x.known_to = 'infinity'
    )
    GROUP BY f.project_id
)
SELECT 'project' AS kind, 'public' AS audience, d.project_id AS id, 'project:' || d.project_id AS key, false AS deleted,
       d.name AS title, d.name_normal AS title_normal, left(d.name_normal, 300) AS title_exact,
       nullif(d.name_en, '') AS title_en,
       array_remove(named.names || nullif(d.site_name, ''), NULL) AS names,
       array_remove(named.names_normal || nullif(d.site_name, ''), NULL) AS names_normal,
       array_remove(ARRAY[nullif(d.name_pinyin, ''), nullif(owner.name_pinyin, '')], NULL) AS pinyin,
       left(coalesce(nullif(replace(d.name_pinyin, ' ', ''), ''), d.name_normal), 200) AS pinyin_joined,
       array_remove(ARRAY[{initials}, {owner_initials}], NULL) AS initials,
       owner.name AS owner, owner_names.names_normal AS owner_normal, d.owner_id,
       CASE WHEN starts_with(d.address, province.name) AND strpos(d.address, coalesce(city.name, '')) > 0
            THEN d.address -- it names the region itself
            ELSE concat_ws(' ', province.name, city.name, county.name, nullif(d.address, '')) END AS place,
       d.code, owner.uscc,
       array_remove(coalesce(coded.codes, ARRAY[replace(d.code, '-', '')]) || owner.uscc, NULL) AS codes,
       numbered.numbers AS number, numbered.numbers,
       d.sector, d.region, left(d.region, 2) || '0000' AS province, d.stage, d.nature,
       reported.lanes || flagged.lanes AS lanes, reported.agencies, coalesce(reported.records, 0) AS records,
       flagged.flags IS NOT NULL AS flagged, coalesce(flagged.flags, 0) AS flags, flagged.lanes AS flagged_lanes,
       flagged.rules,
       project.invented, project.invented OR d.synthetic_fields <> '{{}}' AS synthetic,
       d.latitude || ',' || d.longitude AS location
FROM described AS d
JOIN projects AS project ON project.id = d.project_id
LEFT JOIN named ON named.project_id = d.project_id
LEFT JOIN owner ON owner.enterprise_id = d.owner_id
LEFT JOIN owner_names ON owner_names.enterprise_id = d.owner_id
LEFT JOIN coded ON coded.project_id = d.project_id
LEFT JOIN numbered ON numbered.project_id = d.project_id
LEFT JOIN reported ON reported.project_id = d.project_id
LEFT JOIN flagged ON flagged.project_id = d.project_id
LEFT JOIN place AS province ON province.code = left(d.region, 2) || '0000'
LEFT JOIN place AS city ON city.code = left(d.region, 4) || '00' AND city.code <> province.code
LEFT JOIN place AS county ON county.code = d.region AND county.code <> city.code
