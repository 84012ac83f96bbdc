"""CivicLake: the departments' records, checked and merged into one Delta Lake every night."""

__version__ = "0.1.0"
