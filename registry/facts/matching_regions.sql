-- Every pair of regions that match: equal, or one contains the other, successions included (RULES.md, Region).
SELECT w.outer_code AS one, w.inner_code AS other FROM region_within AS w
UNION ALL
SELECT w.inner_code AS one, w.outer_code AS other FROM region_within AS w
