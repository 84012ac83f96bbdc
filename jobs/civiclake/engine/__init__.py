"""The two long-lived Spark processes: the jobs' door and the analysts' door.

This package is light: Spark itself is imported by :mod:`civiclake.engine.session` alone.
"""

from civiclake.engine.lifecycle import ServiceStatus, down, status, up

__all__ = ["ServiceStatus", "down", "status", "up"]
