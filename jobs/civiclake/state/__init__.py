"""What every host of an installation must see alike: files on one host, PostgreSQL on several."""
