"""Reading what was delivered: streams, archives, and the one reader of CSV text."""
