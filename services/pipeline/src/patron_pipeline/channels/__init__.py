"""Adapters to what is outside: mail servers and receivers of webhooks."""
