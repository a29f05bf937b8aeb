"""Identifiers of the domain as types: one module a kind, each with its normal form, warnings and clear errors."""

from registry.identifiers.problem import BadIdentifier, IdentifierWarning, Parsed

__all__ = ["BadIdentifier", "IdentifierWarning", "Parsed"]
