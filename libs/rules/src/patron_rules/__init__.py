"""The language of conditions over customers: what can be said, checked and evaluated. Knows no web and no SQL."""
