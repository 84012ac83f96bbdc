"""Readers of the departments' systems: PostgreSQL tables, S3 objects, dropped files, SFTP drops."""
