"""Reports: figures over what customers did, each with a definition and the events behind every number."""
