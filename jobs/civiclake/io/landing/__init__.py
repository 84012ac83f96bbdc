"""Landing: every delivery as it came, its manifest, and its rendition for Spark."""
