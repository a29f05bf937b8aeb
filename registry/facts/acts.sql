-- One row for each judged act and each project it belongs to, with what a rule may ask of it. An approval is an act too.
--   subject_kind, subject_id   record or approval, and its number
--   record_id, version_id    the record and the version that was known; an intended act has no version
--   judged_on                the day on which the world is seen
--   expires, revoked         the last day of the act's validity; the first day on which it no longer holds
--   stated_capacity          what the record says of capacity, as JSON
--   says_capacity            what its project makes is known, or each approval says what it allows
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
--   backward_since           the first day on which the law orders a unit of the project to be eliminated; NULL where it does not
--   disposed_days            the days on which the project is forbidden to start, halted, not recognised or concealed
--   sector                   of the project; of the record itself where it fits no project
--   names_project            the act bears a code of its project, an earlier code included
--   standing_failure         why the project has no standing on the day; NULL where it has
--   has_land, has_eia, has_energy   the formality is held on the day
--   nature, asks_land        a renovation that asks no land needs none; what it was granted later, it asked
SELECT a.*,
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
           WHERE a.says_capacity
       ) AS stated_excess,
       (
           -- Class 3216 is more than electrolysis; electricity by the tonne tells (RULES.md, Words).
           SELECT CASE
               WHEN i.code = '3216' AND a.details ->> 'kwh_per_tonne' IS NOT NULL THEN 'aluminium'
               WHEN i.decides_sector THEN COALESCE(i.sector, 'other')
           END
           FROM industries AS i WHERE i.code = a.industry AND i.edition = a.industry_edition
       ) AS trade_sector,
       a.project_code IS NOT NULL AND (
           a.project_code = a.code_of_project OR EXISTS (
               SELECT FROM project_codes AS c
               WHERE c.project_id = a.project_id AND c.code = a.project_code AND known(c)
           )
       ) AS names_project
FROM candidate_acts AS a
