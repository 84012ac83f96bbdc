"""Steps of the applications' marts: DataFrames in, one DataFrame out; nothing is read or written."""
