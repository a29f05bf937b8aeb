-- One document a publication, of nothing but what its public page says: the text in force, else what is on display.
-- A draft has none, and what was withdrawn has none any more.
WITH asked AS MATERIALIZED ({asked}),
place AS MATERIALIZED (
    SELECT DISTINCT ON (code) code, name FROM regions ORDER BY code, held_from DESC
),
shown AS (
    SELECT DISTINCT ON (v.publication_id) v.*, v.title_pinyin AS name_pinyin, v.content -> 'facts' AS facts
    FROM publication_versions AS v JOIN asked ON asked.id = v.publication_id
    WHERE v.state IN ('published', 'displayed')
    ORDER BY v.publication_id, v.state = 'published' DESC
),
coded AS (
    SELECT d.publication_id,
           array_agg(DISTINCT replace(told.code, '-', '')) FILTER (WHERE told.code <> '') AS codes
    FROM shown AS d CROSS JOIN LATERAL (
        VALUES (d.facts ->> 'project_code'), (d.facts ->> 'enterprise_uscc')
        UNION ALL
        SELECT line.said #>> '{{}}' FROM jsonb_path_query(d.content, '$.lines[*].enterprise_uscc') AS line (said)
    ) AS told (code)
    GROUP BY d.publication_id
)
SELECT 'publication' AS kind, 'public' AS audience, p.id, 'publication:' || p.id AS key, false AS deleted,
       d.title_zh AS title, d.title_normal, left(d.title_normal, 300) AS title_exact,
       nullif(d.title_en, '') AS title_en,
       d.names, d.names_normal, d.names_normal AS names_exact,
       nullif(d.title_pinyin, '') AS pinyin,
       left(coalesce(nullif(replace(d.title_pinyin, ' ', ''), ''), d.title_normal), 200) AS pinyin_joined,
       {initials} AS initials,
       d.facts ->> 'enterprise_name' AS owner,
       nullif(concat_ws(' ', province.name, city.name, county.name), '') AS place,
       d.facts ->> 'project_code' AS code, d.facts ->> 'enterprise_uscc' AS uscc, coded.codes,
       array_remove(ARRAY[p.reference, nullif(d.facts ->> 'number', '')], NULL) AS number,
       array_remove(ARRAY[p.reference, nullif(d.facts ->> 'number', '')], NULL) AS numbers,
       p.sector, p.region, left(nullif(p.region, '000000'), 2) || '0000' AS province,
       d.content -> 'office' ->> 'name_zh' AS authority,
       (coalesce(d.published_at, d.displayed_at) AT TIME ZONE 'Asia/Shanghai')::date AS acted_on,
       array_remove(ARRAY[p.project_id], NULL) AS project_ids,
       array_remove(ARRAY[p.enterprise_id], NULL) AS enterprise_ids,
       p.kind AS publication_kind, d.state AS publication_state,
       false AS flagged, 0 AS flags, p.synthetic
FROM shown AS d
JOIN publications AS p ON p.id = d.publication_id AND p.public_since IS NOT NULL AND p.withdrawn_at IS NULL
LEFT JOIN coded ON coded.publication_id = p.id
LEFT JOIN place AS province ON province.code = left(p.region, 2) || '0000'
LEFT JOIN place AS city ON city.code = left(p.region, 4) || '00' AND city.code <> province.code
LEFT JOIN place AS county ON county.code = p.region AND county.code <> city.code
