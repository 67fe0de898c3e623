"""What every HTTP service shares: problems, identity, logs, traces, metrics and health."""
