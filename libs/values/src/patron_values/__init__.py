"""Single values of requests, read strictly: each refusal has a stable code and names its place."""
