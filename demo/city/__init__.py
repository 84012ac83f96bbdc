"""What the sample city's departments hold on each night, and what must come of it."""
