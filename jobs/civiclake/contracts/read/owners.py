"""Who answers for something, and by which way alerts reach them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from civiclake.contracts.model import Owner

CHANNEL = "airflow:"
"""Before the id of an Airflow connection, where a contact may stand."""
_CONNECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def owner(name: str, contacts: Sequence[str], fallback: str, fault: Callable[[str], None]) -> Owner:
    """An owner by its contacts: the first address, and the first Airflow connection.

    Args:
        name: of a team or a person.
        contacts: addresses, ``mailto:`` or not, and ``airflow:<connection>``.
        fallback: the address, where there is none among them.
        fault: called with what is wrong.
    """
    channels = [one.removeprefix(CHANNEL) for one in contacts if one.startswith(CHANNEL)]
    for channel in channels:
        if not _CONNECTION.fullmatch(channel):
            fault(
                f"{CHANNEL + channel!r} names no Airflow connection; allowed are letters, digits,"
                f" '_', '-' and '.', such as '{CHANNEL}parks_pager'"
            )
    addresses = [one for one in contacts if not one.startswith(CHANNEL)]
    address = addresses[0] if addresses else fallback
    return Owner(
        name=name,
        contact=address.removeprefix("mailto:"),
        channel=channels[0] if channels else None,
    )
