"""Facts by context: the permanent wire contract. Import a context's module as `events`."""
