"""Run by test_kills.py: a load in a process of its own, which may kill itself at a named place.

python killed.py DROPS DATASET BATCH [MODULE.FUNCTION [after]]
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

from nights import city

from civiclake.contracts.model import Source, SourceKind
from civiclake.pipeline.night.load import load
from civiclake.settings import load_settings


def kill_at(place: str, *, after: bool) -> None:
    """End this process, as a power cut would, when a function is called or has returned."""
    module, _, name = place.rpartition(".")
    owner = importlib.import_module(module)
    real = getattr(owner, name)

    def killed(*given: Any, **named: Any) -> Any:
        if after:
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, killed)


def main() -> None:
    """Load one batch that was landed."""
    drops, dataset_id, batch_id, *place = sys.argv[1:]
    dataset = city().dataset(dataset_id)
    source = Source(kind=SourceKind.FILES, location=f"{drops}/{dataset.name}/*.csv")
    if place:
        kill_at(place[0], after=place[1:] == ["after"])
    print("loading", flush=True)
    load(load_settings(), dataset.model_copy(update={"source": source}), batch_id)


if __name__ == "__main__":
    main()
