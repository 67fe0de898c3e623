"""What the pipeline context does by itself when something happens, or when a time has come."""
