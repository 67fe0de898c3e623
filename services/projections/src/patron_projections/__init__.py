"""Read models: everything anyone looks at, built from the log."""
