"""What Airflow's services load of ours at start: deadlines, the pools' maker, the Tonight page."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from nightly import pools
from nightly.deadline import NightBegun
from tonight.mount import Tonight


class CivicLakePlugin(AirflowPlugin):
    """Makes our deadline reference and our listener known, and puts a page into the UI."""

    name = "civiclake"
    deadline_references = [NightBegun]  # noqa: RUF012 - Airflow's own way to say it
    listeners = [pools]  # noqa: RUF012
    fastapi_apps = [  # noqa: RUF012
        {"name": "Tonight", "app": Tonight(), "url_prefix": "/tonight"}
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Tonight",
            # Relative, so that it is found wherever Airflow is mounted.
            "href": "tonight/",
            "url_route": "tonight",
            "destination": "nav",
            "nav_top_level": True,
        },
        {
            "name": "Brief",
            "href": "tonight/brief/index.html",
            "url_route": "brief",
            "destination": "nav",
            "nav_top_level": True,
        },
    ]
