"""XML as systems write it: what has no value, texts among elements, names of two namespaces."""

from __future__ import annotations

import pytest
from format_samples import read

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def _tree(inner: str, *columns: str, attributes: str = "") -> dict[str, str | None]:
    text = f'<trees {XSI} xmlns:gml="urn:gml"><tree {attributes}>{inner}</tree></trees>'
    (found,) = read(text.encode(), "xml", dict.fromkeys(columns, "string"), records="tree")
    return found


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ('<holder xsi:nil="true"/>', None),
        ('<holder xsi:nil="1"></holder>', None),
        ('<holder xsi:nil="true" reason="unknown"/>', None),
        ('<holder xsi:nil="false">Shop</holder>', "Shop"),
        ("<holder>\n   Shop\n </holder>", "Shop"),
        ('<holder xml:space="preserve"> Shop </holder>', " Shop "),
        ('<holder xsi:nil="true"/><holder>Shop</holder>', '[null, "Shop"]'),
    ],
)
def test_what_has_no_value_and_what_has_blanks_around_it(written: str, read_as: str) -> None:
    assert _tree(written) == {"holder": read_as}


def test_why_there_is_no_value_is_there_for_whom_asks() -> None:
    found = _tree('<holder xsi:nil="true" reason="unknown"/>', "holder.@reason")
    assert found == {"holder.@reason": "unknown"}


def test_text_around_child_elements_is_kept() -> None:
    written = "<note>Line 1<br/>Line 2<b>bold</b> and on</note>"
    whole = '{"br": null, "b": "bold", "#text": "Line 1\\nLine 2\\nand on"}'
    assert _tree(written) == {"note": whole}
    assert _tree(written, "note.#text")["note.#text"] == "Line 1\nLine 2\nand on"
    assert _tree("<a>1</a> of many") == {"a": "1", "#text": "of many"}


def test_attributes_of_one_name_in_two_namespaces() -> None:
    both = 'gml:id="g1" id="7" xml:lang="en"'
    apart = {"@id": "7", "@gml:id": "g1", "@xml:lang": "en"}
    assert _tree("", attributes=both) == apart
    assert _tree("", "@id", attributes=both) == apart
    assert _tree("", "@id", attributes='gml:id="g1"') == {"@id": "g1"}
    assert _tree("", "@id", "@gml:id", attributes='gml:id="g1"') == {"@gml:id": "g1"}
