"""What stands in contracts, read and held against what may stand there."""
