"""Customer 360: everything that is known of one customer, as of any moment."""
