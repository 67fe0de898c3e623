"""Use cases: gather, decide, append."""
