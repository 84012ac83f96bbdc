"""Every process of Airflow's loads the plug-ins; only the one that is asked builds the page."""

from __future__ import annotations

from functools import cache
from typing import Any


class Tonight:
    """The page's ASGI application, imported when it is asked first."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand the request over."""
        await _app()(scope, receive, send)


@cache
def _app() -> Any:
    from tonight.app import create_app

    return create_app()
