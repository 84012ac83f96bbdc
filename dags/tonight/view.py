"""From the page's model to HTML: one template, its styles and its script inline."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tonight import words
from tonight.model import Page
from tonight.state import STALE_AFTER_LATENCIES, Age, State
from tonight.trend import NIGHTS

_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "tonight.css").read_text(encoding="utf-8")
_SCRIPT = (_FOLDER / "tonight.js").read_text(encoding="utf-8")


def _hashed(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src {_hashed(_STYLE)}; script-src {_hashed(_SCRIPT)};"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Nothing is loaded, and of what is inline only what these two files hold takes effect."""


def render(page: Page) -> str:
    """The page as HTML; every value is escaped."""
    return (
        _environment()
        .get_template("tonight.html")
        .render(page=page, style=Markup(_STYLE), script=Markup(_SCRIPT))
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"moment": words.moment, "spaced": words.spaced}
    made.globals |= {
        "Age": Age,
        "State": State,
        "nights": NIGHTS,
        "plural": words.plural,
        "stale_after": STALE_AFTER_LATENCIES,
    }
    return made
