"""The generated datasets, department by department."""
