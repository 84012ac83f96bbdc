"""Cross-department tables: built, and refreshed by the groups that changed."""
