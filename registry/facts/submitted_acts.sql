-- Acts that agencies reported, as known: one row for each record and each project it is linked to.
-- A record that nobody has linked yet is not judged; one that fits no registered project is. Prices and merger loans are
-- judged by what they say themselves, an EIA by its region and others by their party, so those whose project is not
-- decided (`unlinked`) are judged too.
SELECT 'record' AS subject_kind, r.record_id AS subject_id, r.version_id, r.record_id, r.act, r.acted_on, r.project_code, r.party_uscc, r.party_name_normal, r.region, r.kind,
       r.months, r.industry, r.industry_edition, r.details, l.project_id, l.enterprise_id, l.outcome, l.method, l.shown_sector,
       r.expires, r.revoked, r.stated_capacity
FROM records AS r
JOIN links AS l ON l.record_id = r.record_id AND known(l)
WHERE known(r) AND r.acted_on <= :as_of
  AND (l.outcome IN ('linked', 'none') OR r.act IN ('power_price', 'water_price', 'eia_approval')
       OR r.kind = 'merger' OR l.enterprise_id IS NOT NULL)
  AND judged_record(r.record_id)
