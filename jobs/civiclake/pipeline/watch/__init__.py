"""What came, what did not, and who is told."""
