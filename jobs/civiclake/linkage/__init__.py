"""Who is who: from identifying values to clusters, in the memory of one trusted process."""
