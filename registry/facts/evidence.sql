-- What was seen of each flagged act, ready to be kept with the finding: no serial number and no clock time in it, so
-- that the same facts give the same evidence in any database. `asks_x` is true for the rules that keep the part x.
seen_approvals AS MATERIALIZED (
    SELECT a.project_id, bool_or(a.synthetic) AS synthetic,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'reference', a.reference, 'kind', a.kind, 'number', NULLIF(a.number, ''),
               'authority', NULLIF(a.authority, ''), 'issued', a.issued, 'expires', a.expires, 'revoked', a.revoked
           )) ORDER BY a.issued, a.reference) AS seen
    FROM known_approvals AS a
    WHERE a.project_id IN (SELECT project_id FROM flags WHERE asks_approvals)
    GROUP BY a.project_id
),
seen_formalities AS MATERIALIZED (
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
seen_owners AS MATERIALIZED (
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
),
seen_capacities AS MATERIALIZED (
    SELECT c.project_id,
           jsonb_agg(jsonb_build_object('product', c.product, 'amount', CAST(c.amount AS text)) ORDER BY c.product) AS seen
    FROM known_capacities AS c
    WHERE c.project_id IN (SELECT project_id FROM flags WHERE asks_capacities)
    GROUP BY c.project_id
),
seen_dispositions AS MATERIALIZED (
    SELECT d.project_id, bool_or(d.synthetic) AS synthetic,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'reference', d.reference, 'kind', d.kind, 'decided', d.decided, 'published', d.published,
               'number', NULLIF(d.number, ''), 'authority', NULLIF(d.authority, '')
           )) ORDER BY d.decided, d.reference) AS seen
    FROM known_dispositions AS d
    WHERE d.project_id IN (SELECT project_id FROM flags WHERE asks_dispositions)
    GROUP BY d.project_id
),
seen_plans AS MATERIALIZED (
    SELECT k.project_id, bool_or(k.synthetic OR COALESCE(u.synthetic, FALSE)) AS synthetic,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'reference', k.reference, 'published', k.published, 'confirmed', k.confirmed, 'announced', k.announced,
               'listed', k.listed, 'number', NULLIF(k.number, ''), 'authority', NULLIF(k.authority, ''), 'units', u.seen
           )) ORDER BY k.reference) AS seen
    FROM known_plans AS k
    LEFT JOIN LATERAL (
        SELECT bool_or(v.synthetic) AS synthetic, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
            'reference', v.reference, 'product', v.product, 'amount', CAST(v.amount AS text), 'unit', NULLIF(v.unit, ''),
            'retired', v.retired
        )) ORDER BY v.reference) AS seen
        FROM known_plan_units AS v WHERE v.plan_id = k.plan_id
    ) AS u ON TRUE
    WHERE k.project_id IN (SELECT project_id FROM flags WHERE asks_plans)
    GROUP BY k.project_id
),
seen_equipment AS MATERIALIZED (
    SELECT e.project_id, bool_or(e.synthetic) AS synthetic,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'reference', e.reference, 'class', NULLIF(e.equipment_class, ''), 'size', CAST(e.size AS text),
               'unit', NULLIF(e.unit, ''), 'commissioned', e.commissioned, 'dismantled', e.dismantled,
               'last_ran', e.last_ran
           )) ORDER BY e.reference) AS seen
    FROM known_equipment AS e
    WHERE e.project_id IN (SELECT project_id FROM flags WHERE asks_equipment)
    GROUP BY e.project_id
),
seen_limits AS MATERIALIZED (
    SELECT b.equipment_id,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'limit', b.limit_id, 'size', CAST(b.limit_size AS text), 'bound', b.bound, 'unit', b.limit_unit,
               'since', b.since, 'deadline', b.deadline
           )) ORDER BY b.deadline, b.limit_id) AS seen
    FROM backward_equipment AS b
    WHERE b.equipment_id IN (SELECT subject_id FROM flags WHERE subject_kind = 'equipment' AND asks_limits)
    GROUP BY b.equipment_id
),
seen_eliminations AS MATERIALIZED (
    SELECT t.enterprise_id, bool_or(t.synthetic) AS synthetic,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'reference', t.reference, 'equipment', t.equipment_reference, 'deadline', t.deadline, 'cured', t.cured,
               'ended', t.ended, 'number', NULLIF(t.number, ''), 'authority', NULLIF(t.authority, '')
           )) ORDER BY t.deadline, t.reference) AS seen
    FROM known_eliminations AS t
    WHERE t.enterprise_id IN (SELECT COALESCE(enterprise_id, owner_id) FROM flags WHERE asks_eliminations)
    GROUP BY t.enterprise_id
),
seen_restrictions AS MATERIALIZED (
    SELECT named.region, bool_or(t.synthetic) AS synthetic,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'reference', t.reference, 'region', t.region, 'since', t.since, 'until', t.until,
               'number', NULLIF(t.number, ''), 'authority', NULLIF(t.authority, '')
           )) ORDER BY t.since, t.reference) AS seen
    FROM (
        SELECT project_region AS region FROM flags WHERE asks_restrictions
        UNION
        SELECT region FROM flags WHERE asks_restrictions
    ) AS named
    JOIN restrictions AS t ON known(t) AND t.since <= :as_of AND (
        t.region = named.region
        OR EXISTS (SELECT FROM region_within AS w WHERE w.outer_code = t.region AND w.inner_code = named.region)
    )
    GROUP BY named.region
),
-- What was judged where it is no record: an approval, a unit, a plan, an order. A project's own file says what it is.
seen_subjects AS MATERIALIZED (
    SELECT f.subject_kind, f.subject_id, s.reference, s.synthetic, s.seen
    FROM (SELECT DISTINCT subject_kind, subject_id FROM flags WHERE subject_kind <> 'record') AS f
    CROSS JOIN LATERAL (
        SELECT a.reference, a.synthetic, jsonb_build_object(
            'kind', a.kind, 'number', NULLIF(a.number, ''), 'authority', NULLIF(a.authority, ''), 'issued', a.issued,
            'expires', a.expires, 'revoked', a.revoked, 'capacities', a.capacities
        ) AS seen
        FROM approvals AS a
        WHERE f.subject_kind = 'approval' AND a.approval_id = f.subject_id AND known(a)
        UNION ALL
        SELECT e.reference, e.synthetic, jsonb_build_object(
            'class', NULLIF(e.equipment_class, ''), 'size', CAST(e.size AS text), 'unit', NULLIF(e.unit, ''),
            'commissioned', e.commissioned, 'dismantled', e.dismantled, 'last_ran', e.last_ran,
            'traits', NULLIF(to_jsonb(e.traits), '[]')
        )
        FROM known_equipment AS e
        WHERE f.subject_kind = 'equipment' AND e.equipment_id = f.subject_id
        UNION ALL
        SELECT k.reference, k.synthetic, jsonb_build_object(
            'number', NULLIF(k.number, ''), 'authority', NULLIF(k.authority, ''), 'published', k.published,
            'confirmed', k.confirmed, 'announced', k.announced, 'listed', k.listed
        )
        FROM known_plans AS k
        WHERE f.subject_kind = 'plan' AND k.plan_id = f.subject_id
        UNION ALL
        SELECT o.reference, o.synthetic, jsonb_build_object(
            'kind', o.kind, 'number', NULLIF(o.number, ''), 'authority', NULLIF(o.authority, ''), 'ordered', o.ordered,
            'due', o.due, 'ended', o.ended, 'last_ran', o.last_ran, 'equipment', o.equipment_reference
        )
        FROM known_orders AS o
        WHERE f.subject_kind = 'order' AND o.order_id = f.subject_id
        UNION ALL
        SELECT t.reference, t.synthetic, jsonb_build_object(
            'number', NULLIF(t.number, ''), 'authority', NULLIF(t.authority, ''), 'region', t.region,
            'decided', t.decided, 'published', t.published, 'filed', t.filed
        )
        FROM known_rectifications AS t
        WHERE f.subject_kind = 'rectification' AND t.rectification_id = f.subject_id
        UNION ALL
        SELECT COALESCE(v.code, i.reference), FALSE, NULL
        FROM projects AS i
        LEFT JOIN project_versions AS v ON v.project_id = i.id AND known(v) AND held(v)
        WHERE f.subject_kind = 'project' AND i.id = f.subject_id
    ) AS s
)
SELECT flags.*, r.feed, r.source_key, subject.reference AS subject_reference,
       CASE WHEN subject.seen IS NOT NULL THEN jsonb_strip_nulls(
           jsonb_build_object('reference', subject.reference) || subject.seen
       ) END AS subject,
       CASE WHEN r.version_id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
           'feed', r.feed, 'source_key', r.source_key, 'act', r.act, 'acted_on', r.acted_on, 'kind', r.kind,
           'number', CASE WHEN r.act <> ALL(CAST(:confidential AS text[])) THEN r.number END,
           'project_code', r.project_code, 'project_name', r.project_name, 'party_name', r.party_name,
           'party_uscc', r.party_uscc, 'region', r.region, 'address', r.address, 'industry', r.industry,
           'industry_edition', r.industry_edition, 'authority', r.authority,
           'area_hectares', CAST(r.area_hectares AS text), 'stated_capacity', r.stated_capacity,
           'amount', CASE WHEN r.act <> ALL(CAST(:confidential AS text[])) THEN CAST(r.amount AS text) END,
           'expires', r.expires, 'revoked', r.revoked
       )) END AS record,
       CASE WHEN r.act = ANY(CAST(:confidential AS text[])) THEN jsonb_strip_nulls(jsonb_build_object(
           'number', r.number, 'amount', CAST(r.amount AS text), 'months', r.months, 'details', r.details
       )) END AS confidential,
       CASE WHEN r.version_id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
           'outcome', flags.outcome, 'method', NULLIF(flags.method, ''), 'shown_sector',
           CASE WHEN flags.outcome = 'none' THEN flags.sector END
       )) END AS link,
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
       a.seen AS approvals, f.seen AS formalities, w.seen AS owners, c.seen AS capacities, d.seen AS dispositions,
       k.seen AS plans, q.seen AS equipment, t.seen AS eliminations, g.seen AS restrictions,
       m.seen AS limits,
       COALESCE(r.synthetic, FALSE) OR COALESCE(subject.synthetic, FALSE)
           OR COALESCE(a.synthetic, FALSE) OR COALESCE(f.synthetic, FALSE) OR COALESCE(d.synthetic, FALSE)
           OR COALESCE(k.synthetic, FALSE) OR COALESCE(q.synthetic, FALSE) OR COALESCE(t.synthetic, FALSE)
           OR COALESCE(g.synthetic, FALSE)
           OR COALESCE(p.synthetic_fields && ARRAY['code', 'approvals', 'owner', 'region', 'sector'], FALSE)
           OR COALESCE(o.synthetic_fields && ARRAY['uscc', 'name'], FALSE) AS synthetic
FROM flags
LEFT JOIN records AS r ON r.version_id = flags.version_id
LEFT JOIN seen_subjects AS subject ON subject.subject_kind = flags.subject_kind AND subject.subject_id = flags.subject_id
LEFT JOIN projects AS identity ON identity.id = flags.project_id
-- Few are flagged of how many there are, which nobody can tell before: each is looked up by itself.
LEFT JOIN LATERAL (
    SELECT v.* FROM project_versions AS v WHERE v.project_id = flags.project_id AND known(v) AND held(v) OFFSET 0
) AS p ON TRUE
LEFT JOIN enterprises AS owner ON owner.id = flags.owner_id
LEFT JOIN LATERAL (
    SELECT e.* FROM enterprise_versions AS e WHERE e.enterprise_id = flags.owner_id AND known(e) AND held(e) OFFSET 0
) AS o ON TRUE
LEFT JOIN seen_approvals AS a ON a.project_id = flags.project_id
LEFT JOIN seen_formalities AS f ON f.project_id = flags.project_id
LEFT JOIN seen_owners AS w ON w.project_id = flags.project_id
LEFT JOIN seen_capacities AS c ON c.project_id = flags.project_id
LEFT JOIN seen_dispositions AS d ON d.project_id = flags.project_id
LEFT JOIN seen_plans AS k ON k.project_id = flags.project_id
LEFT JOIN seen_equipment AS q ON q.project_id = flags.project_id
LEFT JOIN seen_eliminations AS t ON t.enterprise_id = COALESCE(flags.enterprise_id, flags.owner_id)
LEFT JOIN seen_limits AS m ON m.equipment_id = flags.subject_id AND flags.subject_kind = 'equipment'
LEFT JOIN seen_restrictions AS g ON g.region = COALESCE(flags.project_region, flags.region)
ORDER BY flags.rule, r.feed, r.source_key, identity.reference, subject.reference, flags.acted_on
