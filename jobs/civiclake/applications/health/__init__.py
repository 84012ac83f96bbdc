"""Health: outbreaks early, hospitals compared fairly, and what becomes of people over years."""
