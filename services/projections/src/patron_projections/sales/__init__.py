"""The pipeline context as read models: deals, leads, planned activities, those who sell, and what they sell by."""
