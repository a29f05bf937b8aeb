"""The demo: real plants and notices, an invented nation around them, and the truth about every record.

Deterministic for a seed. `python -m deploy.demo --to FOLDER` writes what docs/demo.md describes.
"""
