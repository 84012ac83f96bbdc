"""Since when each dataset is watched: what was due before is no debt."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from civiclake.local.files import write_whole
from civiclake.settings import Settings
from civiclake.state.held import held

log = logging.getLogger(__name__)

_KIND = "watched"
"""Of records in the state's database."""


def since(
    settings: Settings, first: Mapping[str, datetime | None], at: datetime
) -> dict[str, datetime]:
    """Since when each is watched: its first batch, or the first look that knew it.

    Args:
        settings: of this installation.
        first: when the first batch of each was landed, by its id; None where none was.
        at: now.
    """
    path = _path(settings)
    with held(settings, path.with_suffix(".lock"), "looking for deliveries"):
        found = known(settings)
        for name, landed_at in first.items():
            moment = landed_at or at
            found[name] = min(moment, found.get(name, moment))
        said = {name: moment.isoformat() for name, moment in found.items()}
        if settings.state.is_shared:
            from civiclake.state import records  # its driver costs 0.1 s, which files need not

            records.write(settings, _KIND, said)
        else:
            write_whole(path, json.dumps(said, indent=1))
    return found


def known(settings: Settings) -> dict[str, datetime]:
    """What is written down; of a file that can't be read nothing is known, and that is told."""
    if settings.state.is_shared:
        from civiclake.state import records

        return {
            name: datetime.fromisoformat(moment)
            for name, moment in records.read(settings, _KIND).items()
        }
    path = _path(settings)
    try:
        said = json.loads(path.read_text())
        found = {str(name): datetime.fromisoformat(moment) for name, moment in said.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        log.warning(
            "%s can't be read (%s): datasets are watched from their first batch, all others from"
            " now on; wanted is the JSON that this program wrote there",
            path,
            error,
        )
        return {}
    return {name: m if m.tzinfo else m.replace(tzinfo=UTC) for name, m in found.items()}


def _path(settings: Settings) -> Path:
    return settings.run_dir / "watched.json"
