-- What a rule may ask of an act that its own columns and the state of its project tell, without looking anything up: so
-- that the acts of the nation are one join, read by several processes. See acts.sql for the columns.
SELECT a.subject_kind, a.subject_id, a.version_id, a.record_id, CAST(:as_of AS date) AS judged_on, a.act, a.acted_on,
       a.kind, a.months, a.project_code, a.party_uscc, a.party_name_normal, a.region, a.industry, a.industry_edition,
       a.details, a.project_id, a.enterprise_id, a.outcome, a.method, a.expires, a.revoked, a.stated_capacity,
       COALESCE(a.enterprise_id, p.owner_id) AS party_id, p.new_until, p.disposed_days, p.backward_since,
       p.says_capacity,
       CASE WHEN a.details ->> 'price' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'price' AS numeric) END AS price,
       CASE WHEN a.details ->> 'base_price' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'base_price' AS numeric) END AS base_price,
       CASE WHEN a.details ->> 'benchmark_price' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'benchmark_price' AS numeric) END AS benchmark_price,
       CASE WHEN a.details ->> 'subsidy' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'subsidy' AS numeric) END AS subsidy,
       CASE WHEN a.details ->> 'kwh_per_tonne' ~ '^-?[0-9]+([.][0-9]+)?$' THEN CAST(a.details ->> 'kwh_per_tonne' AS numeric) END AS kwh_per_tonne,
       CASE lower(a.details ->> 'meets_norm') WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END AS meets_norm,
       CASE WHEN a.outcome = 'none' THEN a.shown_sector ELSE p.sector END AS sector,
       p.region AS project_region, p.code AS code_of_project, p.owner_id, p.owner_uscc, p.owner_name, p.owned_from,
       CASE
           WHEN a.outcome = 'none' THEN 'no-project'
           WHEN p.stands_from <= a.acted_on OR p.standing_days @> a.acted_on THEN NULL
           WHEN p.first_issued IS NULL THEN 'no-approval'
           WHEN p.first_issued > a.acted_on THEN 'before-approval'
           WHEN p.revoked_days @> a.acted_on THEN 'revoked'
           ELSE 'expired'
       END AS standing_failure,
       COALESCE(p.land_from <= a.acted_on OR p.land_days @> a.acted_on, FALSE) AS has_land,
       COALESCE(p.eia_from <= a.acted_on OR p.eia_days @> a.acted_on, FALSE) AS has_eia,
       COALESCE(p.energy_from <= a.acted_on OR p.energy_days @> a.acted_on, FALSE) AS has_energy,
       COALESCE(p.asks_land, FALSE) AS asks_land,
       p.nature
FROM judged_acts AS a
LEFT JOIN project_states AS p ON p.project_id = a.project_id
