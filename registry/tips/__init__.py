"""Reports from the public: sealed to public keys before they touch a disk; docs/threat-model-reporters.md."""
