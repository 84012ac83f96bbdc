"""A first contract, guessed from a sample and marked for review."""
