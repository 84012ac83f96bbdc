"""The `civiclake` command."""
