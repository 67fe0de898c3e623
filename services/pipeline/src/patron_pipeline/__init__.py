"""The pipeline context: leads, deals, quotes, planned activities, and who sells."""
