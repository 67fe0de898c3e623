"""The rules of segments: pure decisions over facts."""
