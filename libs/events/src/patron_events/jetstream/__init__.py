"""The log in NATS JetStream: streams, appends, readers and keys."""
