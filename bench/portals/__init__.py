"""Real files of public portals, each drafted, checked and loaded as drafted, and read once more
by a library that shares nothing with CivicLake."""
