"""Figures and how they are kept: the same figures are the same file, and texts stay texts.

A picture is one SVG. Its texts are not turned into outlines: a reader's own fonts show Chinese
names, and the texts can be found and copied. Nothing in the file depends on when it was drawn.
"""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

from civiclake.errors import UserError
from civiclake.local.files import write_whole

# It names each of our families that this machine lacks, though the reader's may have them.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
SUFFIX = ".svg"
INK, MUTED, FAINT, PAPER = "#1f2933", "#6b7785", "#d5dbe1", "#ffffff"
LAND, OUTLINE, STREET = "#f4f2ec", "#a5adb6", "#c9cfd6"
ACCENT, SECOND = "#c2410c", "#1d4ed8"
"""Chosen or late, and existing or planned: apart for those, too, who see no red or green."""
GROWING = "Blues"
"""Of what is more or less; ends are readable in print."""
_FONTS = ["DejaVu Sans", "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "sans-serif"]
_HALO = "halo"
_STYLE: dict[Any, Any] = {
    "font.family": _FONTS,
    "font.size": 8,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "civiclake",
}
_CSS = (
    f'<style type="text/css">g[id^="{_HALO}"] text{{paint-order:stroke;stroke:{PAPER};'
    "stroke-width:2.4px;stroke-linejoin:round}</style>"
)


def check_path(path: Path) -> Path:
    """A path that a picture can be written to; asked before anything is computed.

    Raises:
        UserError: it does not end in .svg, or its folder is not there.
    """
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"picture {path}: a name that ends in {SUFFIX} is allowed")
    if not path.parent.is_dir():
        raise UserError(f"picture {path}: the folder {path.parent} is not there")
    return path


def figure(width_mm: float, height_mm: float) -> Figure:
    """An empty figure of a size, in the house's style; axes are added inside of :func:`style`."""
    with style():
        made = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), facecolor=PAPER)
        FigureCanvasSVG(made)
    return made


def style() -> AbstractContextManager[None]:
    """The house's style, as a context: whatever is drawn is drawn inside of it."""
    context: AbstractContextManager[None] = matplotlib.rc_context(_STYLE)
    return context


def halo(text: Text) -> Text:
    """A text with a white rim, so that it is read over lines."""
    text.set_gid(f"{_HALO}-{text.get_text()}")
    return text


def text_of(drawn: Figure, title: str) -> str:
    """The picture as SVG; the same figure is the same text, whenever it is drawn."""
    out = io.StringIO()
    with style(), warnings.catch_warnings():
        # Glyphs that our one font lacks are the reader's fonts' to show.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message=".*does not have a glyph.*")
        drawn.savefig(
            out, format="svg", metadata={"Date": None, "Title": title, "Creator": "CivicLake"}
        )
    return out.getvalue().replace("<defs>", f"<defs>\n  {_CSS}", 1)


def save(drawn: Figure, path: Path, title: str) -> None:
    """Write a picture whole, or not at all.

    Raises:
        UserError: the path is none for a picture.
    """
    write_whole(check_path(path), text_of(drawn, title), mode=0o644)
