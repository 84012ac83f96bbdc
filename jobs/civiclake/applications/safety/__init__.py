"""Public safety: what is recorded where, and who stands by. Places are scored, never persons."""
