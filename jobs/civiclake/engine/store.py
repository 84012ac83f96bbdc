"""What an engine must know of a lake in S3."""

from __future__ import annotations

import os

from civiclake import secrets
from civiclake.settings import Settings

_TOKEN = "CIVICLAKE_LAKE_SESSION_TOKEN"  # noqa: S105 - its name
_PATIENCE = {
    "attempts.maximum": "2",
    "retry.limit": "5",
    "retry.throttle.limit": "8",
    "retry.throttle.interval": "100ms",
}
"""Hadoop's own defaults hang for over ten minutes on a store that does not answer. A busy one (503)
is asked for half a minute by each request, and waits twice as long each time; Hadoop's own 20
tries from half a second on would take days."""


def options(settings: Settings) -> dict[str, str]:
    """Spark settings; none of them secret, and none where the lake is on a disk."""
    if settings.lake_uri is None:
        return {}
    store = settings.store
    s3a = {
        **({"endpoint": store.endpoint} if store.endpoint else {}),
        "endpoint.region": store.region,
        "path.style.access": str(store.path_style).lower(),
        "aws.credentials.provider": (
            "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider"
        ),
        **_PATIENCE,
        "connection.establish.timeout": "15s",
        "connection.timeout": "20s",
        # What is made has a name that nobody else has, and no folder stands in its place.
        "performance.flags": "create,mkdir,delete",
    }
    return {
        # Delta's own for S3 is safe for one driver only.
        "spark.delta.logStore.s3a.impl": "city.civiclake.ConditionalLogStore",
        "spark.sql.streaming.checkpointFileManagerClass": "city.civiclake.WholeObjects",
        **{f"spark.hadoop.fs.s3a.{name}": value for name, value in s3a.items()},
        # Only staged rows are committed by it, which nobody reads before they are whole: a third of
        # the requests that Hadoop's first way of moving files makes.
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }


def environment(settings: Settings) -> dict[str, str]:
    """The keys, which go by the environment and in nobody's but the jobs engine's.

    Raises:
        UserError: the lake is in S3, and a key is missing.
    """
    if settings.lake_uri is None:
        return {}
    token = os.environ.get(_TOKEN)
    return {
        "AWS_ACCESS_KEY_ID": secrets.get(settings, "lake_access_key"),
        "AWS_SECRET_ACCESS_KEY": secrets.get(settings, "lake_secret_key"),
        **({"AWS_SESSION_TOKEN": token} if token else {}),
    }
