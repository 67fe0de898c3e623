"""The command `patron`: run, ask, import and check an installation."""
