-- The acts that the rules look at: all, but where the nation is judged only those that may be flagged at all
-- (registry/candidates.py).
SELECT a.* FROM plain_acts AS a
