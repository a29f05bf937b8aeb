-- One row for each project with all that its acts are judged by, made once: the acts of the nation join it and no more.
--   least_ratio what its plans retire of a product by what it makes of it, of the product with the least; cut, not rounded
--   backward_since  the first day on which the law orders one of its units to be eliminated
--   says_capacity   what it makes is known, or each of its approvals says what it allows
--   new_until   it is new capacity on days before this one at most: until it is recognised, or all of it is replaced
SELECT p.project_id, p.code, p.sector, p.nature, p.region, p.owner_id, p.owner_uscc, p.owner_name, p.owned_from,
       COALESCE(p.asks_land, f.asked_land, FALSE) AS asks_land,
       s.first_issued, s.stands_from, s.days AS standing_days, w.days AS revoked_days, h.days AS disposed_days,
       f.land_from, e.land_days, f.eia_from, e.eia_days, f.energy_from, e.energy_days,
       n.least_ratio, b.since AS backward_since,
       c.project_id IS NOT NULL OR s.silent IS NOT TRUE AS says_capacity,
       CASE WHEN n.new_until IS NOT NULL THEN LEAST(n.new_until, d.recognised) END AS new_until
FROM known_projects AS p
LEFT JOIN standings AS s ON s.project_id = p.project_id
LEFT JOIN revocations AS w ON w.project_id = p.project_id
LEFT JOIN (
    SELECT d.project_id, range_agg(d.days) AS days FROM standing_dispositions AS d GROUP BY d.project_id
) AS h ON h.project_id = p.project_id
LEFT JOIN (
    SELECT e.project_id, min(e.since) AS since FROM backward_equipment AS e GROUP BY e.project_id
) AS b ON b.project_id = p.project_id
LEFT JOIN formalities AS f ON f.project_id = p.project_id
LEFT JOIN ended_formalities AS e ON e.project_id = p.project_id
LEFT JOIN (SELECT DISTINCT k.project_id FROM known_capacities AS k) AS c ON c.project_id = p.project_id
LEFT JOIN (
    SELECT c.project_id, max(COALESCE(c.covered_from, 'infinity'::date)) AS new_until,
           min(trunc(c.planned / c.amount, 6)) FILTER (WHERE c.amount > 0) AS least_ratio
    FROM new_capacity AS c
    GROUP BY c.project_id
) AS n ON n.project_id = p.project_id
LEFT JOIN (
    SELECT r.project_id, min(r.decided) AS recognised
    FROM known_dispositions AS r
    WHERE r.kind = 'recognise'
    GROUP BY r.project_id
) AS d ON d.project_id = p.project_id
