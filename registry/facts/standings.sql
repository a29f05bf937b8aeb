-- One row for each project with an approval: the days on which it has standing (RULES.md, Words).
-- The day of issue and the last day of validity are covered, the day of revocation is not. Few approvals end, so those
-- that do not are one day (`stands_from`) and only the others are ranges (`days`). `silent`: one says nothing of capacity.
SELECT a.project_id,
       min(a.issued) AS first_issued,
       min(a.issued) FILTER (WHERE LEAST(a.expires + 1, a.revoked) IS NULL) AS stands_from,
       datemultirange(VARIADIC array_agg(daterange(a.issued, LEAST(a.expires + 1, a.revoked)))
           FILTER (WHERE LEAST(a.expires + 1, a.revoked) > a.issued)) AS days,
       bool_or(jsonb_array_length(COALESCE(a.capacities, '[]')) = 0) AS silent
FROM known_approvals AS a
GROUP BY a.project_id
