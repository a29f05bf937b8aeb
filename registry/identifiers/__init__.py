"""Identifiers of the domain as types: each module parses one kind to its normal form, with warnings and clear errors."""

from registry.identifiers.problem import BadIdentifier, IdentifierWarning, Parsed

__all__ = ["BadIdentifier", "IdentifierWarning", "Parsed"]
