-- Furnaces, kilns and pots as they were on the day the world is seen: a date after it has not happened.
--   product    what a unit of the class makes
SELECT e.equipment_id, e.reference, e.enterprise_id, e.project_id, e.equipment_class, e.size, e.unit,
       CASE WHEN e.commissioned <= :as_of THEN e.commissioned END AS commissioned,
       CASE WHEN e.dismantled <= :as_of THEN e.dismantled END AS dismantled,
       CASE WHEN e.last_ran <= :as_of THEN e.last_ran END AS last_ran,
       COALESCE(e.commissioned > :as_of, FALSE) AS still_to_come,
       e.traits, e.synthetic,
       CASE
           WHEN e.equipment_class = 'blast_furnace' THEN 'pig_iron'
           WHEN e.equipment_class IN ('converter', 'electric_furnace') THEN 'crude_steel'
           WHEN e.equipment_class = 'aluminium_pot' THEN 'aluminium'
           WHEN e.equipment_class IN ('shaft_kiln', 'dry_hollow_kiln', 'wet_kiln', 'dry_kiln') THEN 'clinker'
           WHEN e.equipment_class = 'cement_mill' THEN 'cement'
           WHEN e.equipment_class IN ('glass_flat_drawn', 'glass_float') THEN 'flat_glass'
       END AS product
FROM equipment AS e
WHERE known(e) AND judged_holder(e)
