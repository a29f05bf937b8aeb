-- The records to link, with what each shows by itself.
--   claimed(id)                         ids of records
--   sector_words(sector, shows, unless) regular expressions over normal names; sector_products(product, sector)
--   sector_processes(industry, sector, shows, unless, details)  words and details that count with an industry class alone
--   building(act)                       acts that can be about building; idle_kinds(kind) are never about building
-- shown: an overcapacity sector, `other` where the industry class is certainly none of them, NULL where nothing says.
CREATE TEMPORARY TABLE linking ON COMMIT DROP AS
SELECT r.record_id, r.acted_on, r.region, r.party_uscc, r.project_code,
       r.party_name_normal AS party_name, r.project_name_normal AS project_name,
       r.party_name AS party_told, r.project_name AS project_told,
       coalesce(r.details ->> 'organisation_code', substr(r.party_uscc, 9, 9)) AS organisation_code,
       -- What warned when it was read may be a typing error: nobody is accused for it.
       r.project_code IS NOT NULL AND r.details #> '{warnings,project_code}' IS NULL AS code_is_sure,
       r.party_uscc IS NOT NULL AND r.details #> '{warnings,party_uscc}' IS NULL AS uscc_is_sure,
       CASE WHEN r.region LIKE '__0000' THEN r.region ELSE rpad(left(r.region, 4), 6, '0') END AS city,
       stated.products,
       CASE WHEN r.act IN (SELECT act FROM building) AND (r.kind IS NULL OR r.kind NOT IN (SELECT kind FROM idle_kinds))
            THEN coalesce(stated.sector, trade.sector, words.sector, process.sector)
       END AS shown
FROM claimed AS c
JOIN records AS r ON r.record_id = c.id AND r.known_to = 'infinity'
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT one ->> 'product') AS products, min(p.sector) AS sector
    FROM jsonb_array_elements(CASE jsonb_typeof(r.stated_capacity) WHEN 'array' THEN r.stated_capacity END) AS one
    LEFT JOIN sector_products AS p ON p.product = one ->> 'product'
) AS stated ON TRUE
LEFT JOIN LATERAL (
    SELECT coalesce(i.sector, 'other') AS sector FROM industries AS i
    WHERE i.code = r.industry AND i.edition = r.industry_edition AND i.decides_sector
) AS trade ON TRUE
LEFT JOIN LATERAL (
    SELECT w.sector
    FROM sector_words AS w,
         -- 某钢铁有限公司宿舍楼 builds no steel: the company's own name shows nothing.
         LATERAL (SELECT replace(r.project_name_normal, coalesce(nullif(r.party_name_normal, ''), '~'), '')) AS n (name)
    WHERE n.name ~ w.shows AND n.name !~ w.unless
    ORDER BY w.sector LIMIT 1
) AS words ON stated.sector IS NULL AND trade.sector IS NULL
LEFT JOIN LATERAL (
    SELECT p.sector FROM sector_processes AS p
    WHERE p.industry = r.industry AND (
        jsonb_strip_nulls(r.details) ?| p.details
        OR (r.project_name_normal ~ p.shows AND r.project_name_normal !~ p.unless)
    )
    ORDER BY p.sector LIMIT 1
) AS process ON stated.sector IS NULL AND trade.sector IS NULL;
