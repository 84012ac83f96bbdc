"""``python -m bench.plot SUMMARY PICTURE``: one panel for each work, made from the data alone.

Runs in ``var/env/bench``, which has matplotlib.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

from bench.results import compared

mpl.use("Agg")
from matplotlib import pyplot as plt

_OURS, _OTHERS, _CPU = "#0f766e", "#94a3b8", "#1e293b"


def draw(entries: list[dict[str, Any]], picture: Path) -> None:
    """Wall seconds as bars, CPU seconds as a mark on each."""
    works = {work: found for work, found in compared(entries).items() if len(found) > 1}
    if not works:
        return
    heights = [len(found) + 1.2 for found in works.values()]
    figure, axes = plt.subplots(
        len(works), 1, figsize=(8, sum(heights) * 0.38), squeeze=False, height_ratios=heights
    )
    for axis, (work, found) in zip(axes[:, 0], works.items(), strict=True):
        _panel(axis, work, found)
    axes[-1, 0].set_xlabel("seconds of wall time (bar) and of CPU (mark); less is better")
    figure.tight_layout()
    figure.savefig(picture, metadata={"Date": None})
    plt.close(figure)


def _panel(axis: Any, work: str, found: list[dict[str, Any]]) -> None:
    names = [entry["engine"] for entry in found]
    walls = [entry["wall_seconds"] for entry in found]
    colours = [_OURS if name == "civiclake" else _OTHERS for name in names]
    axis.barh(names, walls, color=colours, height=0.65)
    cpus = [entry["cpu_seconds"] for entry in found]
    axis.plot(cpus, names, "|", color=_CPU, markersize=12)
    for name, wall, cpu in zip(names, walls, cpus, strict=True):
        at = {"xy": (max(wall, cpu), name), "xytext": (6, 0), "textcoords": "offset points"}
        axis.annotate(f"{wall:.1f}", va="center", fontsize=8, **at)
    axis.set_title(work, fontsize=9, loc="left")
    axis.invert_yaxis()
    axis.margins(x=0.12)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
