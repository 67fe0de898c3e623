"""Invent an organisation with customers and their history: the same seed gives the same data."""
