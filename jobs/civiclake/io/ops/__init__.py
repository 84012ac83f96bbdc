"""``ops.*``: what was done to every batch, table and delivery, kept as tables."""
