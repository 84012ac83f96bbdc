"""The only readers and writers: sources, landing, Delta tables, ledger, Great Expectations."""
