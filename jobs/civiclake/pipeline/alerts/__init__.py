"""Rows of marts that are an alarm become alerts with an owner, looked after until closed."""
