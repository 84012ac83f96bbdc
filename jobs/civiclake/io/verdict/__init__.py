"""Great Expectations: the batch's official verdict."""
