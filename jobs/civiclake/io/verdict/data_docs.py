"""Data Docs: Great Expectations' page of every batch, and their index; they load nothing."""

from __future__ import annotations

import html
import os
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from civiclake.contracts.model import Dataset, Mart

_FOREIGN = re.compile(
    r"<(script|footer)\b.*?</\1>|<link\b[^>]*>|<img\b(?![^>]*\bsrc=\"data:)[^>]*>"
    r"|\b(?:href|src)=\"https?://[^\"]*\"|https?://[^\s\"'<>]+",
    re.IGNORECASE | re.DOTALL,
)
"""What would run, be loaded from elsewhere, or lead there."""

_STYLE = """<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{border:1px solid #ccc;
padding:.3rem .6rem;text-align:left;vertical-align:top}ul{padding-left:1.2rem}
.badge{background:#eee;border-radius:4px;padding:0 .4rem}.modal,.navbar,nav,footer,.d-none,
#ge-cta-footer,.cta-footer{display:none}.alert{background:#f6f6f6;padding:.3rem .6rem}
@media(prefers-color-scheme:dark){body{background:#16181b;color:#ddd}td,th{border-color:#444}
.badge,.alert{background:#2a2d31}}</style>"""


def page(result: Any) -> str:
    """Great Expectations' own page of a result, cut off from the network.

    Its styles are inline, and it has no scripts.
    """
    # Imported late: GX costs two seconds. Its render packages declare no types.
    from great_expectations.render import renderer

    validation: Any = renderer.ValidationResultsPageRenderer()  # type: ignore[attr-defined]
    rendered = _view().render(validation.render(result))
    text = rendered if isinstance(rendered, str) else "".join(rendered.values())
    text = _FOREIGN.sub("", text)
    return text.replace("<head>", f"<head>{_STYLE}", 1)


@cache
def _view() -> Any:
    """Great Expectations' view, one for all pages: each compiles its templates anew."""
    from great_expectations.render import view

    made: Any = view.DefaultJinjaPageView()  # type: ignore[attr-defined]
    made.env.auto_reload = False  # a package's files do not change below it
    return made


def warm_up() -> None:
    """Compile the templates of a page ahead of time."""
    templates = _view().env
    for name in templates.list_templates(extensions=["j2"]):
        templates.get_template(name)


def write(docs_dir: Path, dataset: Dataset | Mart, batch_id: str, text: str) -> Path:
    """Put a batch's page into Data Docs and renew the index.

    Args:
        docs_dir: folder of the pages.
        dataset: whose page it is.
        batch_id: names the page.
        text: of :func:`page`.

    Returns:
        Path of the page.
    """
    # Below the name of its DAG, by whose rights Airflow shows the page.
    dag = f"mart_{dataset.name}" if isinstance(dataset, Mart) else dataset.department
    folder = docs_dir / dag / dataset.name
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{batch_id}.html"
    _replace(made, text)
    _replace(docs_dir / "index.html", _index(docs_dir))
    return made


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _index(docs_dir: Path) -> str:
    rows: list[str] = []
    for folder in sorted(p for p in docs_dir.glob("*/*") if p.is_dir()):
        for page in sorted(folder.glob("[!.]*.html"), reverse=True)[:30]:
            link = page.relative_to(docs_dir).as_posix()
            is_mart = folder.parent.name == f"mart_{folder.name}"
            name = f"{'marts' if is_mart else folder.parent.name}.{folder.name}"
            rows.append(
                f"<tr><td>{html.escape(name)}</td>"
                f'<td><a href="{html.escape(link)}">{html.escape(page.stem)}</a></td></tr>'
            )
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Data Docs</title>{_STYLE}"
        f"</head><body><h1>Data Docs</h1><p>What Great Expectations found, newest batch first;"
        f" made {made}.</p><table><tr><th>Dataset<th>Batch</tr>"
        f"{''.join(rows)}</table></body></html>"
    )
