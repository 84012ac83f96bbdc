"""The sample city: real small feeds, a generated health department, and their systems."""
