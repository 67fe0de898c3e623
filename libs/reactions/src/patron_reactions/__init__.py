"""Reactions: facts and timers that cause commands, delivered at least once and effective once."""
