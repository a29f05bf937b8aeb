-- What the marked findings say of their alerts: one row a finding, as it stands now.
--   topic   the project, else the suspected project of its record, else the enterprise, else what was flagged itself
--   holds   it is flagged, and nobody has dismissed it by the evidence that it still has
CREATE TEMPORARY TABLE telling ON COMMIT DROP AS
SELECT f.fingerprint, f.episode, f.rule, f.lane, f.severity, f.sector, f.region, f.duty_holder, f.synthetic,
    f.project_id, s.suspected_id, f.enterprise_id,
    CASE
        WHEN f.project_id IS NOT NULL THEN concat('project:', f.project_id)
        WHEN s.suspected_id IS NOT NULL THEN concat('suspected:', s.suspected_id)
        WHEN f.enterprise_id IS NOT NULL THEN concat('enterprise:', f.enterprise_id)
        ELSE concat(f.subject_kind, ':', f.subject_id)
    END AS topic,
    f.state = 'open' AND NOT EXISTS (
        SELECT FROM finding_decisions AS d
        WHERE d.fingerprint = f.fingerprint AND d.episode = f.episode AND d.known_to = 'infinity'
          AND d.decision = 'dismissed' AND d.evidence_hash = f.evidence_hash
    ) AS holds
FROM findings AS f
LEFT JOIN suspected_members AS s ON f.project_id IS NULL AND f.subject_kind = 'record'
    AND s.record_id = f.subject_id AND s.known_to = 'infinity'
WHERE f.known_to = 'infinity'
  AND f.fingerprint IN (SELECT fingerprint FROM findings WHERE version_id = ANY(:versions))
