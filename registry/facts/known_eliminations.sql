-- Duties to eliminate with the enterprise that has each: the one named, else the owner of the unit.
--   ended   the day on which the duty was fulfilled, found cured or its unit dismantled; NULL where it was not
SELECT d.elimination_id, d.reference, d.enterprise_id, d.equipment_reference, d.deadline,
       CASE WHEN d.cured <= :as_of THEN d.cured END AS cured,
       CASE WHEN LEAST(d.cured, d.dismantled) <= :as_of THEN LEAST(d.cured, d.dismantled) END AS ended,
       d.number, d.authority, d.synthetic
FROM (
    SELECT t.elimination_id, t.reference, t.enterprise_id, t.equipment_reference, t.deadline, t.cured, e.dismantled,
           t.number, t.authority, t.synthetic
    FROM eliminations AS t
    LEFT JOIN equipment AS e ON e.reference = t.equipment_reference AND known(e)
    WHERE known(t) AND judged_enterprise(t.enterprise_id)
    UNION ALL
    SELECT t.elimination_id, t.reference, e.enterprise_id, t.equipment_reference, t.deadline, t.cured, e.dismantled,
           t.number, t.authority, t.synthetic
    FROM eliminations AS t
    JOIN equipment AS e ON e.reference = t.equipment_reference AND known(e)
    WHERE known(t) AND t.enterprise_id IS NULL AND judged_enterprise(e.enterprise_id)
) AS d
