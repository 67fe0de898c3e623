"""The campaigns context: segments of customers."""
