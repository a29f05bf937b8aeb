-- Approvals, verifications and filings issued by the day the world is seen, as they were known.
SELECT a.project_id, a.approval_id, a.reference, a.kind, a.number, a.authority, a.issued, a.expires, a.revoked,
       a.capacities, a.synthetic
FROM approvals AS a
WHERE known(a) AND a.issued <= :as_of AND judged_project(a.project_id)
