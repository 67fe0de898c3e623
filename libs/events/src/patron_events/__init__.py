"""The event log of Patron: facts, their stored form, and how decisions reach the log."""
