-- Approvals, verifications and filings as acts of the authority that issued them.
SELECT 'approval' AS subject_kind, a.approval_id AS subject_id, NULL::bigint AS version_id, NULL::bigint AS record_id,
       'approval' AS act, a.issued AS acted_on, NULL::text AS project_code, NULL::text AS party_uscc,
       NULL::text AS party_name_normal, NULL::text AS region, a.kind, NULL::integer AS months, NULL::text AS industry,
       NULL::text AS industry_edition, NULL::jsonb AS details, a.project_id, NULL::bigint AS enterprise_id,
       'linked' AS outcome, '' AS method, NULL::text AS shown_sector, a.expires, a.revoked,
       NULL::jsonb AS stated_capacity
FROM known_approvals AS a
