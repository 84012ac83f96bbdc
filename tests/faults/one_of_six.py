"""Run by night_of_six.py: extract and load one dataset's delivery, as a task of the night does.

python one_of_six.py DROPS NUMBER BATCH
"""

from __future__ import annotations

import sys
from pathlib import Path

from nights import city

from civiclake.contracts.model import Dataset, Source, SourceKind
from civiclake.errors import CivicLakeError
from civiclake.io.extract import extract
from civiclake.pipeline.night.load import load
from civiclake.settings import load_settings


def dataset(number: int, drops: Path) -> Dataset:
    """The health facilities under another name, so that six of them have six tables."""
    source = Source(kind=SourceKind.FILES, location=f"{drops}/{number}/*.csv")
    named = {"id": f"health.facilities{number}", "name": f"facilities{number}", "source": source}
    return city().dataset("health.facilities").model_copy(update=named)


def main() -> None:
    """One batch, from its source to the ledger."""
    drops, number, batch_id = sys.argv[1:]
    settings, found = load_settings(), dataset(int(number), Path(drops))
    try:
        extract(settings, found, batch_id)
        load(settings, found, batch_id)
    except CivicLakeError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
