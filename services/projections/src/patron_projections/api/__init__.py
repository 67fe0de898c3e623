"""The queries over HTTP, under `/projections/v1`."""
