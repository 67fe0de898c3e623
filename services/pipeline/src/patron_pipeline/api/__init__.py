"""HTTP: routes with their request and response models."""
