-- One document an enterprise: every name it bears or bore, its codes, what it owns and what is flagged of it.
WITH asked AS MATERIALIZED ({asked}),
place AS MATERIALIZED (
    SELECT DISTINCT ON (code) code, name FROM regions ORDER BY code, held_from DESC
),
described AS (
    SELECT DISTINCT ON (v.enterprise_id) v.*
    FROM enterprise_versions AS v JOIN asked ON asked.id = v.enterprise_id
    WHERE v.known_to = 'infinity'
    ORDER BY v.enterprise_id, v.held_from DESC NULLS LAST
),
named AS (
    SELECT n.enterprise_id, array_agg(DISTINCT n.name) AS names, array_agg(DISTINCT n.name_normal) AS names_normal
    FROM enterprise_names AS n JOIN described AS d ON d.enterprise_id = n.enterprise_id AND d.name <> n.name
    WHERE n.known_to = 'infinity'
    GROUP BY n.enterprise_id
),
owned_by AS (
    SELECT o.enterprise_id, string_agg(DISTINCT o.owner_name, '；' ORDER BY o.owner_name) AS owner
    FROM enterprise_owners AS o JOIN asked ON asked.id = o.enterprise_id
    WHERE o.known_to = 'infinity'
    GROUP BY o.enterprise_id
),
owning AS (
    SELECT v.owner_id, count(DISTINCT v.project_id) AS projects, array_agg(DISTINCT v.sector) AS sectors,
           array_agg(DISTINCT v.stage) AS stages
    FROM project_versions AS v JOIN asked ON asked.id = v.owner_id
    WHERE v.known_to = 'infinity'
    GROUP BY v.owner_id
),
-- Of credit the public learns that a project is flagged, never which enterprise borrowed.
flagged AS (
    SELECT f.enterprise_id, count(*) AS flags, array_agg(DISTINCT f.lane) AS lanes, array_agg(DISTINCT f.rule) AS rules
    FROM findings AS f JOIN asked ON asked.id = f.enterprise_id
    WHERE f.known_to = 'infinity' AND f.state = 'open' AND f.lane <> 'credit'
    GROUP BY f.enterprise_id
)
SELECT 'enterprise' AS kind, 'public' AS audience, d.enterprise_id AS id, 'enterprise:' || d.enterprise_id AS key,
       false AS deleted,
       d.name AS title, d.name_normal AS title_normal, left(d.name_normal, 300) AS title_exact,
       nullif(d.name_en, '') AS title_en,
       named.names, named.names_normal, named.names_normal AS names_exact,
       nullif(d.name_pinyin, '') AS pinyin,
       left(coalesce(nullif(replace(d.name_pinyin, ' ', ''), ''), d.name_normal), 200) AS pinyin_joined,
       {initials} AS initials,
       owned_by.owner,
       CASE WHEN starts_with(d.address, province.name) AND strpos(d.address, coalesce(city.name, '')) > 0
            THEN d.address -- it names the region itself
            ELSE concat_ws(' ', province.name, city.name, county.name, nullif(d.address, '')) END AS place,
       d.uscc, array_remove(ARRAY[d.uscc, d.organisation_code, d.licence_number], NULL) AS codes,
       owning.sectors AS sector, d.region, left(d.region, 2) || '0000' AS province, owning.stages AS stage,
       flagged.lanes, coalesce(owning.projects, 0) AS projects,
       flagged.flags IS NOT NULL AS flagged, coalesce(flagged.flags, 0) AS flags, flagged.lanes AS flagged_lanes,
       flagged.rules,
       enterprise.invented, enterprise.invented OR d.synthetic_fields <> '{{}}' AS synthetic
FROM described AS d
JOIN enterprises AS enterprise ON enterprise.id = d.enterprise_id
LEFT JOIN named ON named.enterprise_id = d.enterprise_id
LEFT JOIN owned_by ON owned_by.enterprise_id = d.enterprise_id
LEFT JOIN owning ON owning.owner_id = d.enterprise_id
LEFT JOIN flagged ON flagged.enterprise_id = d.enterprise_id
LEFT JOIN place AS province ON province.code = left(d.region, 2) || '0000'
LEFT JOIN place AS city ON city.code = left(d.region, 4) || '00' AND city.code <> province.code
LEFT JOIN place AS county ON county.code = d.region AND county.code <> city.code
