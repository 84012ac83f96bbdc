"""Steps of the applications' marts: DataFrames in, one out; nothing is read or written."""
