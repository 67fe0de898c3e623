"""Routes of the campaigns context with their request and response models."""
