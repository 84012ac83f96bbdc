"""Served tables built anew from landed batches: beside, compared, swapped."""
