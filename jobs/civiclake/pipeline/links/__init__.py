"""Who is who across departments, once a night."""
