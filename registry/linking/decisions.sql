-- One decision for each record; the first that applies. `none` is said only where nothing fits for sure, since a flag
-- may follow from it; a name that was typed wrongly never leads there. What is `unlinked` here is weighed by likeness
-- next (likely.py).
CREATE TEMPORARY TABLE decisions ON COMMIT DROP AS
WITH counted AS (
    SELECT c.record_id,
           count(*) FILTER (WHERE coded > 0) AS coded,
           count(*) FILTER (WHERE coded = 2) AS coded_now,
           min(project_id) FILTER (WHERE coded = 2) AS project_coded_now,
           min(project_id) FILTER (WHERE coded > 0) AS project_coded,
           count(*) FILTER (WHERE coded > 0 AND owned) AS coded_owned,
           min(project_id) FILTER (WHERE coded > 0 AND owned) AS project_coded_owned,
           count(*) FILTER (WHERE owned AND same_name AND same_sector AND same_region IS NOT FALSE) AS named,
           min(project_id) FILTER (WHERE owned AND same_name AND same_sector AND same_region IS NOT FALSE) AS project_named,
           count(*) FILTER (WHERE fits) AS fitting,
           min(project_id) FILTER (WHERE fits) AS project_fitting,
           count(*) FILTER (WHERE fits AND same_product) AS making,
           min(project_id) FILTER (WHERE fits AND same_product) AS project_making,
           count(*) FILTER (WHERE same_name AND same_sector AND same_region) AS titled,
           min(project_id) FILTER (WHERE same_name AND same_sector AND same_region) AS project_titled,
           -- Of the right sector, wherever it lies and however it is called.
           bool_or(owned AND same_sector) AS some_owned,
           (array_agg(project_id ORDER BY project_id))[1:10] AS projects
    FROM (SELECT *, owned AND same_sector AND same_region IS NOT FALSE AND NOT other_numbers AS fits
          FROM candidates) AS c
    GROUP BY c.record_id
),
-- A project is called so, somebody is, if elsewhere: then region or number may be what is wrong.
known_titles AS (
    SELECT l.record_id FROM linking AS l
    WHERE EXISTS (SELECT FROM project_versions AS v WHERE v.name_normal = l.project_name AND v.known_to = 'infinity')
),
known_names AS (
    SELECT l.record_id FROM linking AS l
    WHERE EXISTS (SELECT FROM enterprise_names AS n WHERE n.name_normal = l.party_name AND n.known_to = 'infinity')
),
weighed AS (
    SELECT l.*, p.enterprise_id, p.via, p.covers, p.former, p.contradicted, coalesce(p.enterprises, 0) AS enterprises,
           c.projects, coalesce(c.fitting, 0) AS fitting, coalesce(c.titled, 0) AS titled,
           CASE
               WHEN c.coded_now = 1 THEN c.project_coded_now
               WHEN c.coded = 1 THEN c.project_coded
               WHEN c.coded_owned = 1 THEN c.project_coded_owned
           END AS by_code,
           CASE WHEN c.named = 1 THEN c.project_named END AS by_name,
           -- The only project of the party, or the only one that makes what the record states; where the record names
           -- a project, its name has to be weighed: the party may build something else.
           CASE WHEN coalesce(l.project_name, '') <> '' THEN NULL
                WHEN c.fitting = 1 THEN c.project_fitting
                WHEN c.making = 1 THEN c.project_making
           END AS by_party,
           t.record_id IS NOT NULL OR coalesce(c.some_owned, FALSE) AS something_fits,
           b.record_id IS NOT NULL AS name_known,
           s.holds, s.holds_nameless
    FROM linking AS l
    LEFT JOIN parties AS p USING (record_id)
    LEFT JOIN counted AS c USING (record_id)
    LEFT JOIN known_titles AS t USING (record_id)
    LEFT JOIN known_names AS b USING (record_id)
    LEFT JOIN places AS s ON s.shown = coalesce(l.shown, '') AND s.city = coalesce(l.city, '')
),
decided AS (
    SELECT w.*, coalesce(by_code, by_name, by_party) AS project_id,
           CASE
               WHEN coalesce(by_code, by_name, by_party) IS NOT NULL THEN 'linked'
               WHEN something_fits OR enterprises > 1 OR contradicted THEN 'unlinked'
               WHEN enterprise_id IS NOT NULL AND (via <> 'name_region' OR code_is_sure) THEN 'none'
               WHEN enterprise_id IS NOT NULL OR name_known THEN 'unlinked'
               WHEN (code_is_sure OR uscc_is_sure) AND NOT holds_nameless THEN 'none'
               WHEN shown <> 'other' AND NOT holds THEN 'none'
               ELSE 'unlinked'
           END AS outcome
    FROM weighed AS w
)
SELECT d.record_id, d.project_id, d.enterprise_id, d.outcome,
       CASE
           WHEN d.by_code IS NOT NULL THEN 'project_code'
           WHEN coalesce(d.by_name, d.by_party) IS NOT NULL THEN d.via
           WHEN d.outcome = 'unlinked' AND d.enterprises > 1 THEN 'several_enterprises'
           WHEN d.outcome = 'unlinked' AND d.contradicted THEN 'contradicting_uscc'
           WHEN d.outcome = 'unlinked' AND (d.fitting > 1 OR d.titled > 1) THEN 'several_projects'
           WHEN d.outcome = 'unlinked' AND d.something_fits THEN 'no_exact_match'
           WHEN d.outcome = 'unlinked' THEN 'unknown_party'
           WHEN d.enterprise_id IS NOT NULL THEN 'no_fitting_project'
           WHEN d.code_is_sure AND NOT d.holds_nameless THEN 'unregistered_code'
           WHEN d.uscc_is_sure AND NOT d.holds_nameless THEN 'unregistered_uscc'
           ELSE 'no_project_in_place'
       END AS method,
       CASE
           WHEN d.by_code IS NOT NULL THEN 1.0
           WHEN d.by_name IS NOT NULL THEN CASE d.via WHEN 'uscc' THEN 0.99 ELSE 0.97 END
           WHEN d.by_party IS NOT NULL THEN CASE d.via WHEN 'uscc' THEN 0.95 ELSE 0.9 END
       END::double precision AS score,
       nullif(d.shown, 'other') AS shown_sector,
       -- What matched with what, as a person wants to see it.
       jsonb_strip_nulls(jsonb_build_object(
           'project_code', CASE WHEN d.by_code IS NOT NULL OR d.outcome = 'none' THEN d.project_code END,
           'party_uscc', CASE WHEN d.via = 'uscc' OR d.outcome = 'none' THEN d.party_uscc END,
           'organisation_code', CASE WHEN d.via = 'organisation_code' THEN d.organisation_code END,
           'party_name', CASE WHEN d.via = 'name_region' THEN d.party_name END,
           'former_name', CASE WHEN d.via = 'name_region' AND d.former THEN TRUE END,
           'name_borne_on_the_day', CASE WHEN d.via = 'name_region' THEN d.covers END,
           'project_name', CASE WHEN m.same_name THEN d.project_name END,
           'only_project', CASE WHEN d.by_code IS NULL AND d.by_name IS NULL AND d.by_party IS NOT NULL
                                     AND d.fitting = 1 THEN TRUE END,
           'products', CASE WHEN d.by_code IS NULL AND d.by_name IS NULL AND d.by_party IS NOT NULL
                                 AND d.fitting > 1 THEN to_jsonb(d.products) END,
           'region', d.region,
           'same_region', m.same_region,
           'party_is_owner', CASE WHEN m.project_id IS NOT NULL AND d.enterprise_id IS NOT NULL THEN m.owned END,
           'projects', CASE WHEN d.outcome = 'unlinked' THEN to_jsonb(d.projects) END,
           'city', CASE WHEN d.outcome = 'none' AND d.enterprise_id IS NULL THEN d.city END
       )) AS evidence
FROM decided AS d
LEFT JOIN candidates AS m ON m.record_id = d.record_id AND m.project_id = d.project_id;
