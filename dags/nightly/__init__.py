"""What the DAG files are built from; it imports neither pyspark nor Great Expectations."""
