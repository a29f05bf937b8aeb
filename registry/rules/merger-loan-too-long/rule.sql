SELECT CAST(ARRAY[] AS text[]) AS reasons
FROM acts
WHERE acts.act = 'loan'
  AND acts.kind = ANY(:merger_loan_kinds)
  AND acts.months > :merger_loan_months
  -- The document speaks of industries with overcapacity; what is certainly another industry is left alone.
  AND COALESCE(acts.sector, acts.trade_sector, '') <> 'other'
