"""Decide about people, companies, what they did, and the values they consist of; no input or output here."""
