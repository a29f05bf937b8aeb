"""Law as data: articles in both languages and dated parameters, each value with its reference (decision 3)."""
