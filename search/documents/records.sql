-- One document a record, and one more with its gate marks where it has any; `audience` says which index it belongs to.
-- An amount is only ever in the indices of credit, a mark only where those search who may know of it.
WITH asked AS MATERIALIZED ({asked}),
place AS MATERIALIZED (
    SELECT DISTINCT ON (code) code, name FROM regions ORDER BY code, held_from DESC
),
tied AS (
    SELECT l.* FROM links AS l JOIN asked ON asked.id = l.record_id WHERE l.known_to = 'infinity'
),
sectored AS (
    SELECT DISTINCT ON (v.project_id) v.project_id, v.sector
    FROM project_versions AS v
    WHERE v.known_to = 'infinity' AND v.project_id IN (SELECT project_id FROM tied)
    ORDER BY v.project_id, v.held_from DESC NULLS LAST
),
linked AS (
    SELECT l.record_id, min(l.outcome) AS outcome, -- a record with several links is linked in all of them
           array_agg(DISTINCT l.project_id) FILTER (WHERE l.project_id IS NOT NULL) AS project_ids,
           array_agg(DISTINCT l.enterprise_id) FILTER (WHERE l.enterprise_id IS NOT NULL) AS enterprise_ids,
           array_agg(DISTINCT coalesce(v.sector, l.shown_sector)) FILTER (WHERE v.sector IS NOT NULL
               OR l.shown_sector IS NOT NULL) AS sectors,
           bool_or(coalesce(p.invented, false) OR coalesce(e.invented, false)) AS invented
    FROM tied AS l
    LEFT JOIN projects AS p ON p.id = l.project_id
    LEFT JOIN enterprises AS e ON e.id = l.enterprise_id
    LEFT JOIN sectored AS v ON v.project_id = l.project_id
    GROUP BY l.record_id
),
flagged AS (
    SELECT f.subject_id, count(*) AS flags, array_agg(DISTINCT f.lane) AS lanes, array_agg(DISTINCT f.rule) AS rules
    FROM findings AS f JOIN asked ON asked.id = f.subject_id
    WHERE f.subject_kind = 'record' AND f.known_to = 'infinity' AND f.state = 'open'
    GROUP BY f.subject_id
),
marked AS (
    SELECT m.record_id, array_agg(DISTINCT m.mark ORDER BY m.mark) AS marks
    FROM gate_marks AS m JOIN asked ON asked.id = m.record_id
    WHERE m.known_to = 'infinity'
    GROUP BY m.record_id
)
SELECT 'record' AS kind,
       CASE WHEN copy.marks IS NULL THEN CASE WHEN {confidential} THEN 'credit' ELSE 'public' END
            WHEN {confidential} THEN 'marked-credit' ELSE 'marked' END AS audience,
       r.record_id AS id, 'record:' || r.record_id AS key, false AS deleted,
       coalesce(r.project_name, r.party_name, r.number, r.source_key) AS title,
       coalesce(r.project_name_normal, r.party_name_normal) AS title_normal,
       left(coalesce(r.project_name_normal, r.party_name_normal), 300) AS title_exact,
       left(coalesce(r.project_name_normal, r.party_name_normal, r.source_key), 200) AS pinyin_joined,
       r.party_name AS owner, r.party_name_normal AS owner_normal,
       CASE WHEN starts_with(r.address, province.name) AND strpos(r.address, coalesce(city.name, '')) > 0
            THEN r.address -- it names the region itself
            ELSE concat_ws(' ', province.name, city.name, county.name, nullif(r.address, '')) END AS place,
       r.project_code AS code, r.party_uscc AS uscc,
       array_remove(ARRAY[replace(r.project_code, '-', ''), r.party_uscc], NULL) AS codes,
       r.number, array_remove(ARRAY[r.number, r.source_key], NULL) AS numbers,
       linked.sectors AS sector, r.region, left(r.region, 2) || '0000' AS province,
       ARRAY[{lane}] AS lanes, ARRAY[r.feed] AS agencies, r.authority, r.act, r.acted_on,
       coalesce(linked.outcome, 'unlinked') AS outcome, linked.project_ids, linked.enterprise_ids,
       flagged.flags IS NOT NULL AS flagged, coalesce(flagged.flags, 0) AS flags, flagged.lanes AS flagged_lanes,
       flagged.rules,
       CASE WHEN {confidential} THEN r.amount::text END AS amount,
       coalesce(linked.invented, false) AS invented, r.synthetic, copy.marks
FROM records AS r
JOIN (SELECT id AS record_id, NULL::text[] AS marks FROM asked UNION ALL SELECT record_id, marks FROM marked) AS copy
    ON copy.record_id = r.record_id
LEFT JOIN linked ON linked.record_id = r.record_id
LEFT JOIN flagged ON flagged.subject_id = r.record_id
LEFT JOIN place AS province ON province.code = left(r.region, 2) || '0000'
LEFT JOIN place AS city ON city.code = left(r.region, 4) || '00' AND city.code <> province.code
LEFT JOIN place AS county ON county.code = r.region AND county.code <> city.code
WHERE r.known_to = 'infinity'
