"""What decides: one module per noun."""
