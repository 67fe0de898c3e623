"""Embedded nats-server and PostgreSQL: found, started and stopped without root, Docker or sign-up."""
