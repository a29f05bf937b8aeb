-- One row for each project with a revoked approval: the days on which the latest approval issued by then is revoked.
SELECT r.project_id, range_agg(daterange(GREATEST(r.issued, r.revoked), r.next_issued)) AS days
FROM (
    SELECT a.project_id, a.issued, a.revoked, min(later.issued) AS next_issued
    FROM known_approvals AS a
    LEFT JOIN known_approvals AS later ON later.project_id = a.project_id AND later.issued > a.issued
    WHERE a.revoked IS NOT NULL
    GROUP BY a.project_id, a.approval_id, a.issued, a.revoked
) AS r
WHERE COALESCE(r.next_issued > GREATEST(r.issued, r.revoked), TRUE)
GROUP BY r.project_id
