"""Files of the lake kept few, and gone when no version needs them."""
