"""REST sources: pages walked to their end, folded by key, as records of one delivery."""
