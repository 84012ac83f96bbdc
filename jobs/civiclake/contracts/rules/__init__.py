"""The rules that rows are held to: those that follow from a contract, and those people wrote."""
