-- One row for each judged act and each project it belongs to, with what a rule may ask of it. An approval is an act too.
--   subject_kind, subject_id   record or approval, and its number
--   record_id, version_id    the record and the version that was known; an intended act has no version
--   judged_on                the day on which the world is seen
--   expires, revoked         the last day of the act's validity; the first day on which it no longer holds
--   stated_capacity          what the record says of capacity, as JSON
--   stated_excess            by which share of what stands approved the stated capacity is above it, of the product most
--                            above; NULL where either is not known
--   party_id                 the enterprise that acted: the one linked, else the project's owner
--   new_until                its project is new capacity on days before this one at most; NULL where it never is
--   act, acted_on, kind      what was done, on which day (credit: of signing), and its kind
--   project_code, party_*    what the act itself says
--   outcome                  linked | none (it fits no registered project) | unlinked (not decided; what is judged by itself or by its party)
--   months                   the term of a loan
--   trade_sector             the sector of the record's own industry class; `other` where it is certainly none of ours
--   price, base_price, benchmark_price, subsidy, kwh_per_tonne, meets_norm   what the record says; NULL where it does not
--   sector                   of the project; of the record itself where it fits no project
--   names_project            the act bears a code of its project, an earlier code included
--   standing_failure         why the project has no standing on the day; NULL where it has
--   has_land, has_eia, has_energy   the formality is held on the day
--   nature, asks_land        a renovation that asks no land needs none; what it was granted later, it asked
SELECT a.subject_kind, a.subject_id, a.version_id, a.record_id, CAST(:as_of AS date) AS judged_on, a.act, a.acted_on, a.kind, a.months, a.project_code, a.party_uscc, a.party_name_normal, a.region,
       a.project_id, a.enterprise_id, a.outcome, a.method, a.expires, a.revoked, a.stated_capacity,
       COALESCE(a.enterprise_id, p.owner_id) AS party_id, p.new_until,
       (
           SELECT max(CASE
               WHEN allowed.amount > 0 THEN (said.amount - allowed.amount) / allowed.amount
               WHEN said.amount > 0 THEN 'Infinity'
           END)
           FROM (
               SELECT line.product, sum(
                   CAST(line.amount AS numeric)
                   * CASE WHEN line.unit LIKE '万%' OR line.unit LIKE '10k%' THEN 10000 ELSE 1 END
               ) AS amount
               FROM jsonb_to_recordset(
                   CASE jsonb_typeof(a.stated_capacity) WHEN 'array' THEN a.stated_capacity END
               ) AS line (product text, amount text, unit text)
               WHERE line.amount ~ '^[0-9]+([.][0-9]+)?$'
               GROUP BY line.product
           ) AS said
           CROSS JOIN LATERAL (
               SELECT COALESCE(sum(k.amount) FILTER (WHERE k.product = said.product), 0) AS amount
               FROM approved_capacities AS k
               WHERE k.project_id = a.project_id AND k.days @> a.acted_on
               HAVING count(*) > 0
           ) AS allowed
           -- An approval that says nothing, of a project of which nobody knows what it makes, allows nobody knows what.
           WHERE NOT EXISTS (
               SELECT FROM known_approvals AS silent
               WHERE silent.project_id = a.project_id
                 AND jsonb_array_length(COALESCE(silent.capacities, '[]')) = 0
                 AND NOT EXISTS (SELECT FROM known_capacities AS c WHERE c.project_id = a.project_id)
           )
       ) AS stated_excess,
       CASE WHEN a.details ->> 'price' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'price' AS numeric) END AS price,
       CASE WHEN a.details ->> 'base_price' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'base_price' AS numeric) END AS base_price,
       CASE WHEN a.details ->> 'benchmark_price' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'benchmark_price' AS numeric) END AS benchmark_price,
       CASE WHEN a.details ->> 'subsidy' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'subsidy' AS numeric) END AS subsidy,
       CASE WHEN a.details ->> 'kwh_per_tonne' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'kwh_per_tonne' AS numeric) END AS kwh_per_tonne,
       CASE lower(a.details ->> 'meets_norm') WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END AS meets_norm,
       (
           -- Class 3216 is more than electrolysis; electricity by the tonne tells (RULES.md, Words).
           SELECT CASE
               WHEN i.code = '3216' AND a.details ->> 'kwh_per_tonne' IS NOT NULL THEN 'aluminium'
               WHEN i.decides_sector THEN COALESCE(i.sector, 'other')
           END
           FROM industries AS i WHERE i.code = a.industry AND i.edition = a.industry_edition
       ) AS trade_sector,
       CASE WHEN a.outcome = 'none' THEN a.shown_sector ELSE p.sector END AS sector,
       p.region AS project_region, p.owner_id, p.owner_uscc, p.owner_name, p.owned_from,
       a.project_code IS NOT NULL AND (
           a.project_code = p.code OR EXISTS (
               SELECT FROM project_codes AS c
               WHERE c.project_id = a.project_id AND c.code = a.project_code AND known(c)
           )
       ) AS names_project,
       CASE
           WHEN a.outcome = 'none' THEN 'no-project'
           WHEN p.standing_days @> a.acted_on THEN NULL
           WHEN p.first_issued IS NULL THEN 'no-approval'
           WHEN p.first_issued > a.acted_on THEN 'before-approval'
           ELSE (
               SELECT CASE WHEN latest.revoked <= a.acted_on THEN 'revoked' ELSE 'expired' END
               FROM known_approvals AS latest
               WHERE latest.project_id = a.project_id AND latest.issued <= a.acted_on
               ORDER BY latest.issued DESC, latest.revoked <= a.acted_on DESC NULLS LAST
               LIMIT 1
           )
       END AS standing_failure,
       COALESCE(p.land_from <= a.acted_on, FALSE) OR COALESCE(p.land_days @> a.acted_on, FALSE) AS has_land,
       COALESCE(p.eia_from <= a.acted_on, FALSE) OR COALESCE(p.eia_days @> a.acted_on, FALSE) AS has_eia,
       COALESCE(p.energy_from <= a.acted_on, FALSE) OR COALESCE(p.energy_days @> a.acted_on, FALSE) AS has_energy,
       COALESCE(p.asks_land, FALSE) AS asks_land,
       p.nature
FROM judged_acts AS a
LEFT JOIN project_states AS p ON p.project_id = a.project_id
