"""The sample city: one seeded model, small real feeds, and the departments' systems."""
