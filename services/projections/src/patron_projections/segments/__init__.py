"""Segments: who belongs to which, judged live by one compiler of rules, and the history of that."""
