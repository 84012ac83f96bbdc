"""Run by test_cluster_kills.py: one landed batch of one dataset, loaded in a process of its own.

python cluster_load.py FILE: settings, dataset and batch, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from civiclake.contracts.model import Dataset
from civiclake.errors import CivicLakeError
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings


def main() -> None:
    """Load it; the exit code is that of the command line."""
    told = json.loads(Path(sys.argv[1]).read_text())
    settings = Settings.model_validate(told["settings"])
    dataset = Dataset.model_validate(told["dataset"])
    print("loading", flush=True)
    try:
        load(settings, dataset, told["batch_id"])
    except CivicLakeError as error:
        print(error, flush=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
