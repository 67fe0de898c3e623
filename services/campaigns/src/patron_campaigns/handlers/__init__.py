"""Use cases of segments: gather, decide, append."""
