-- What was seen of each flagged act, ready to be kept with the finding: no serial number and no clock time in it, so
-- that the same facts give the same evidence in any database. `asks_x` is true for the rules that keep the part x.
seen_approvals AS (
    SELECT a.project_id, bool_or(a.synthetic) AS synthetic,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'reference', a.reference, 'kind', a.kind, 'number', NULLIF(a.number, ''),
               'authority', NULLIF(a.authority, ''), 'issued', a.issued, 'expires', a.expires, 'revoked', a.revoked
           )) ORDER BY a.issued, a.reference) AS seen
    FROM known_approvals AS a
    WHERE a.project_id IN (SELECT project_id FROM flags WHERE asks_approvals)
    GROUP BY a.project_id
),
seen_formalities AS (
    SELECT f.project_id, bool_or(r.synthetic) AS synthetic,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'record', r.feed || ':' || r.source_key, 'act', f.act, 'acted_on', f.acted_on,
               'expires', r.expires, 'revoked', r.revoked
           )) ORDER BY f.acted_on, r.feed, r.source_key) AS seen
    FROM known_formalities AS f
    JOIN records AS r ON r.version_id = f.version_id
    WHERE f.project_id IN (SELECT project_id FROM flags WHERE asks_formalities)
    GROUP BY f.project_id
),
seen_owners AS (
    SELECT named.project_id,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'uscc', o.uscc, 'name', o.name, 'since', NULLIF(o.since, '-infinity'), 'until', NULLIF(o.until, 'infinity')
           )) ORDER BY o.since, o.until, o.uscc, o.name) AS seen
    FROM (SELECT DISTINCT project_id FROM flags WHERE project_id IS NOT NULL AND asks_owners) AS named
    CROSS JOIN LATERAL (
        SELECT DISTINCT i.since, i.until, i.uscc, i.name FROM owner_identities AS i
        WHERE i.project_id = named.project_id AND (i.uscc IS NULL OR length(i.uscc) > 9)
    ) AS o
    GROUP BY named.project_id
)
SELECT flags.*, r.feed, r.source_key,
       jsonb_strip_nulls(jsonb_build_object(
           'feed', r.feed, 'source_key', r.source_key, 'act', r.act, 'acted_on', r.acted_on, 'kind', r.kind,
           'number', CASE WHEN r.act <> ALL(CAST(:confidential AS text[])) THEN r.number END,
           'project_code', r.project_code, 'project_name', r.project_name, 'party_name', r.party_name,
           'party_uscc', r.party_uscc, 'region', r.region, 'address', r.address, 'industry', r.industry,
           'industry_edition', r.industry_edition, 'authority', r.authority,
           'area_hectares', CAST(r.area_hectares AS text), 'stated_capacity', r.stated_capacity,
           'amount', CASE WHEN r.act <> ALL(CAST(:confidential AS text[])) THEN CAST(r.amount AS text) END,
           'expires', r.expires, 'revoked', r.revoked
       )) AS record,
       CASE WHEN r.act = ANY(CAST(:confidential AS text[])) THEN jsonb_strip_nulls(jsonb_build_object(
           'number', r.number, 'amount', CAST(r.amount AS text), 'months', r.months, 'details', r.details
       )) END AS confidential,
       jsonb_strip_nulls(jsonb_build_object(
           'outcome', flags.outcome, 'method', NULLIF(flags.method, ''), 'shown_sector',
           CASE WHEN flags.outcome = 'none' THEN flags.sector END
       )) AS link,
       CASE WHEN asks_prices THEN jsonb_strip_nulls(jsonb_build_object(
           'price', r.details -> 'price', 'base_price', r.details -> 'base_price',
           'benchmark_price', r.details -> 'benchmark_price', 'subsidy', r.details -> 'subsidy',
           'kwh_per_tonne', r.details -> 'kwh_per_tonne', 'meets_norm', r.details -> 'meets_norm'
       )) END AS prices,
       CASE WHEN p.project_id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
           'reference', identity.reference, 'code', p.code, 'name', p.name, 'sector', p.sector, 'nature', p.nature,
           'region', p.region, 'asks_land', p.asks_land
       )) END AS project,
       CASE WHEN o.enterprise_id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
           'reference', owner.reference, 'uscc', o.uscc, 'name', o.name
       )) END AS owner,
       a.seen AS approvals, f.seen AS formalities, w.seen AS owners,
       r.synthetic OR COALESCE(a.synthetic, FALSE) OR COALESCE(f.synthetic, FALSE)
           OR COALESCE(p.synthetic_fields && ARRAY['code', 'approvals', 'owner', 'region', 'sector'], FALSE)
           OR COALESCE(o.synthetic_fields && ARRAY['uscc', 'name'], FALSE) AS synthetic
FROM flags
JOIN records AS r ON r.version_id = flags.version_id
LEFT JOIN projects AS identity ON identity.id = flags.project_id
LEFT JOIN project_versions AS p ON p.project_id = flags.project_id AND known(p) AND held(p)
LEFT JOIN enterprises AS owner ON owner.id = flags.owner_id
LEFT JOIN enterprise_versions AS o ON o.enterprise_id = flags.owner_id AND known(o) AND held(o)
LEFT JOIN seen_approvals AS a ON a.project_id = flags.project_id
LEFT JOIN seen_formalities AS f ON f.project_id = flags.project_id
LEFT JOIN seen_owners AS w ON w.project_id = flags.project_id
ORDER BY flags.rule, r.feed, r.source_key, identity.reference
