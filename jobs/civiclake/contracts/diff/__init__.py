"""What changed between two versions of a city's contracts, and for whom it matters."""
