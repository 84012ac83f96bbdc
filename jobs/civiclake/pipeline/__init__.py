"""One night of one dataset, from what landed to what is served: wires ``io`` and ``steps``."""
