"""The two long-lived Spark processes: the jobs' door and the analysts' door.

``up``, ``down`` and ``status`` are here; a job's session is made by
:mod:`civiclake.engine.session`, an analyst's query by :mod:`civiclake.engine.client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from civiclake.engine.lifecycle import ServiceStatus, down, status, up

__all__ = ["ServiceStatus", "down", "status", "up"]


def __getattr__(name: str) -> Any:
    """Import on use, so that ``python -m civiclake.engine.jars`` starts with nothing else."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from civiclake.engine import lifecycle

    return getattr(lifecycle, name)
