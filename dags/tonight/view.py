"""From the page's model to HTML: one template, its styles and its script inline."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tonight import words
from tonight.model import Page
from tonight.state import STALE_AFTER_LATENCIES, Age, State
from tonight.trend import NIGHTS

_FOLDER = Path(__file__).with_name("templates")


def render(page: Page) -> str:
    """The page as HTML; every value is escaped."""
    return _environment().get_template("tonight.html").render(page=page)


@cache
def content_security_policy() -> str:
    """Nothing is loaded, and only the page's own styles and script take effect."""
    return (
        f"default-src 'none'; style-src {_hash('tonight.css')}; script-src {_hash('tonight.js')};"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def _hash(name: str) -> str:
    """What a policy calls an inline text by."""
    digest = hashlib.sha256(_environment().get_template(name).render().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        auto_reload=False,  # a template goes with the code that the server has loaded
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
