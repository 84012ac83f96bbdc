"""The departments' systems of the sample city, each started, filled and stopped alike."""
