-- Enterprises past a deadline, and the days on which they are: from the day after it to the day before it is cured.
SELECT e.enterprise_id, range_agg(daterange(e.deadline + 1, e.ended)) AS days
FROM known_eliminations AS e
WHERE e.deadline < :as_of AND (e.ended IS NULL OR e.ended > e.deadline + 1)
GROUP BY e.enterprise_id
