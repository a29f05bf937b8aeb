SELECT ARRAY_REMOVE(
    ARRAY[
      CASE
        WHEN COALESCE(acts.party_uscc, acts.party_name_normal) IS NOT NULL
        -- The plain case first: the owner of today under its registered number or name, and owner on that day.
        AND NOT COALESCE(
          (acts.party_uscc = acts.owner_uscc OR acts.party_name_normal = acts.owner_name)
          AND acts.acted_on >= COALESCE(acts.owned_from, acts.acted_on),
          FALSE
        )
        AND EXISTS(
          SELECT 1 FROM owner_identities AS o
          WHERE o.project_id = acts.project_id AND acts.acted_on BETWEEN o.since AND o.until
        )
        AND NOT EXISTS(
          SELECT 1 FROM owner_identities AS o
          WHERE o.project_id = acts.project_id
            AND acts.acted_on BETWEEN o.since AND o.until
            AND (
              o.uscc = acts.party_uscc
              OR o.name = acts.party_name_normal
              -- A branch is no person of its own, whether or not anybody registered it: it bears its owner's name.
              OR acts.party_name_normal LIKE o.name || '%分公司'
            )
        )
        THEN 'other-enterprise'
      END,
      CASE
        WHEN acts.region <> acts.project_region
        AND NOT EXISTS(
          SELECT 1 FROM matching_regions AS m WHERE m.one = acts.project_region AND m.other = acts.region
        )
        AND NOT EXISTS(
          SELECT 1 FROM other_regions AS o
          JOIN matching_regions AS m ON m.one = o.region
          WHERE o.project_id = acts.project_id AND m.other = acts.region
        )
        THEN 'other-region'
      END
    ],
    NULL
  ) AS reasons
FROM acts
WHERE acts.project_code IS NOT NULL
  AND acts.names_project
