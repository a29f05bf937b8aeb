-- Dispositions against a project, and the days on which each stands: from its day until the project is recognised later.
SELECT d.project_id, d.kind, daterange(d.decided, min(later.decided)) AS days
FROM known_dispositions AS d
LEFT JOIN known_dispositions AS later
    ON later.project_id = d.project_id AND later.kind = 'recognise' AND later.decided > d.decided
WHERE d.kind <> 'recognise'
GROUP BY d.project_id, d.disposition_id, d.kind, d.decided
