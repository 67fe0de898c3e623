"""What every read model shares: reading, positions, writing, parking and the sharing of partitions."""
