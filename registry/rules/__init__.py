"""The rules: one folder a rule (rule.yml, rule.sql, cases.yml) and the reading of them; see docs/rules.md."""
