"""The domain: identifiers, tables with history, linking, law, judging. Imports no other room."""
