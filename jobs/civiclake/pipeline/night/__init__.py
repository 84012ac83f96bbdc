"""One night of one dataset, from its source to its account."""
