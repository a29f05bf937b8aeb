"""Backups: the register and the installation's files in one file with a manifest, and back again elsewhere."""
