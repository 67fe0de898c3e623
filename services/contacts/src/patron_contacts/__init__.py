"""People and companies: who the customers are, and what they did."""
