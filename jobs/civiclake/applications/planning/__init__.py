"""Planning: for whom the next school, clinic, library or station would stand."""
