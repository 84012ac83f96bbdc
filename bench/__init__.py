"""What a night costs, measured through the product's own path."""
