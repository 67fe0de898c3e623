"""Bring the files of other programs into Patron: read, map, send, account for every row."""
