-- One document a suspected project, for officials. What its records of credit say is left out; one that has no others is
-- whole in an index of its own, for finance.
WITH asked AS MATERIALIZED ({asked}),
place AS MATERIALIZED (
    SELECT DISTINCT ON (code) code, name FROM regions ORDER BY code, held_from DESC
),
product (code, words) AS (VALUES {products}),
described AS (
    SELECT v.* FROM suspected_versions AS v JOIN asked ON asked.id = v.suspected_id WHERE v.known_to = 'infinity'
),
shown AS (
    SELECT d.suspected_id, d.project_name = r.project_name AS named, r.*, {lane} AS lane
    FROM described AS d
    JOIN suspected_members AS m ON m.suspected_id = d.suspected_id AND m.known_to = 'infinity'
    JOIN records AS r ON r.record_id = m.record_id AND r.known_to = 'infinity'
    WHERE d.credit_only OR NOT {confidential}
),
told AS (
    SELECT s.suspected_id,
           array_agg(DISTINCT s.project_name) FILTER (WHERE s.project_name <> '') AS names,
           array_agg(DISTINCT s.project_name_normal) FILTER (WHERE s.project_name_normal <> '') AS names_normal,
           min(s.project_name_normal) FILTER (WHERE s.named) AS title_normal,
           array_agg(DISTINCT s.party_name) FILTER (WHERE s.party_name <> '') AS parties,
           array_agg(DISTINCT s.party_name_normal) FILTER (WHERE s.party_name_normal <> '') AS parties_normal,
           array_agg(DISTINCT s.address) FILTER (WHERE s.address <> '') AS addresses,
           array_agg(DISTINCT s.number) FILTER (WHERE s.number <> '') AS numbers,
           array_agg(DISTINCT replace(s.project_code, '-', '')) FILTER (WHERE s.project_code <> '') AS codes,
           array_agg(DISTINCT s.lane) FILTER (WHERE s.lane IS NOT NULL) AS lanes,
           array_agg(DISTINCT s.feed) AS agencies
    FROM shown AS s GROUP BY s.suspected_id
),
made AS (
    SELECT s.suspected_id, array_agg(DISTINCT line.said ->> 'product') AS products,
           array_agg(DISTINCT coalesce(product.words, replace(line.said ->> 'product', '_', ' '))) AS words
    FROM shown AS s
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(s.stated_capacity) WHEN 'array' THEN s.stated_capacity ELSE '[]' END
    ) AS line (said)
    LEFT JOIN product ON product.code = line.said ->> 'product'
    WHERE line.said ->> 'product' <> ''
    GROUP BY s.suspected_id
),
flagged AS (
    SELECT s.suspected_id, count(*) AS flags, array_agg(DISTINCT f.lane) AS lanes, array_agg(DISTINCT f.rule) AS rules
    FROM findings AS f JOIN shown AS s ON s.record_id = f.subject_id
    WHERE f.subject_kind = 'record' AND f.known_to = 'infinity' AND f.state = 'open'
    GROUP BY s.suspected_id
)
SELECT 'suspected' AS kind, CASE WHEN d.credit_only THEN 'official-credit' ELSE 'official' END AS audience,
       d.suspected_id AS id, 'suspected:' || d.suspected_id AS key, false AS deleted,
       coalesce(nullif(d.project_name, ''), nullif(d.party_name, ''), d.address) AS title,
       coalesce(told.title_normal, nullif(d.party_name_normal, '')) AS title_normal,
       left(coalesce(told.title_normal, nullif(d.party_name_normal, '')), 300) AS title_exact,
       told.names, told.names_normal, told.names_normal AS names_exact,
       left(coalesce(told.title_normal, d.party_name_normal), 200) AS pinyin_joined,
       told.parties AS owner, told.parties_normal AS owner_normal,
       array_remove(concat_ws(' ', province.name, city.name, county.name) || told.addresses, '') AS place,
       d.party_uscc AS uscc, array_remove(told.codes || d.party_uscc, NULL) AS codes,
       told.numbers AS number, told.numbers,
       d.sector, d.region, left(d.region, 2) || '0000' AS province, told.lanes, told.agencies, d.records,
       flagged.flags IS NOT NULL AS flagged, coalesce(flagged.flags, 0) AS flags, flagged.lanes AS flagged_lanes,
       flagged.rules, d.last_act AS acted_on,
       array_remove(ARRAY[d.project_id], NULL) AS project_ids,
       array_remove(ARRAY[d.enterprise_id], NULL) AS enterprise_ids,
       d.state AS suspected_state, made.words AS product, made.products, d.synthetic
FROM described AS d
LEFT JOIN told ON told.suspected_id = d.suspected_id
LEFT JOIN made ON made.suspected_id = d.suspected_id
LEFT JOIN flagged ON flagged.suspected_id = d.suspected_id
LEFT JOIN place AS province ON province.code = left(d.region, 2) || '0000'
LEFT JOIN place AS city ON city.code = left(d.region, 4) || '00' AND city.code <> province.code
LEFT JOIN place AS county ON county.code = d.region AND county.code <> city.code
