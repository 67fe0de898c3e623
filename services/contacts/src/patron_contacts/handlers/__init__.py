"""Use cases of the contacts context: gather what a decision needs, decide, append."""
