-- Acts that somebody intends: the same columns as submitted acts, for asking before the grant.
SELECT 'record' AS subject_kind, i.record_id AS subject_id, NULL::bigint AS version_id, i.record_id, i.act, i.acted_on, i.project_code, i.party_uscc, i.party_name_normal,
       i.region, i.kind, i.months, i.industry, i.industry_edition, i.details, i.project_id, i.enterprise_id, i.outcome, 'intended' AS method, i.shown_sector,
       i.expires, i.revoked, i.stated_capacity
FROM jsonb_to_recordset(CAST(:intended AS jsonb)) AS i (
    record_id bigint, act text, acted_on date, project_code text, party_uscc text, party_name_normal text, region text,
    kind text, months integer, industry text, industry_edition text, details jsonb, project_id bigint, enterprise_id bigint, outcome text, shown_sector text, expires date, revoked date, stated_capacity jsonb
)
