"""HTTP routes of the contacts context under `/contacts/v1`."""
