"""Reports of the pipeline context: deals, leads, quotas and follow-ups, as they were at any moment."""
