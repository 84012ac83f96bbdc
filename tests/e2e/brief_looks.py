"""What a browser must find on a page of the brief, from disk and behind the login alike."""

from __future__ import annotations

from browser import TAB, Browser

_DRAWN = """
return [...document.querySelectorAll('svg.chart')].map(chart => {
  const box = chart.getBoundingClientRect();
  const marks = [...chart.querySelectorAll('rect.bar, path.area, path.line, circle.dot')];
  const seen = marks.filter(mark => {
    const size = mark.getBoundingClientRect();
    return size.width + size.height > 0;
  });
  return [box.width > 100 && box.height > 40, marks.length, seen.length];
});
"""
_LOADED = "return performance.getEntriesByType('resource').map(entry => entry.name)"
_WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
_FOCUS = "return document.activeElement.outerHTML.slice(0, 80)"
_CLEAR = """
const outside = [];
for (const text of document.querySelectorAll('svg.chart text')) {
  const box = text.getBoundingClientRect();
  const chart = text.closest('svg.chart').getBoundingClientRect();
  if (box.left < chart.left - 1 || box.right > chart.right + 1) outside.push(text.textContent);
}
return outside;
"""


def look(browser: Browser, address: str, charts: int) -> None:
    """Open a page and hold it to what every page must be.

    Args:
        browser: a window.
        address: of the page.
        charts: how many it has.
    """
    browser.complaints()
    browser.size(1100, 900)
    browser.open(address)
    browser.element("footer")
    drawn = browser.run(_DRAWN)
    assert len(drawn) == charts
    assert all(shown and marks == seen > 0 for shown, marks, seen in drawn), drawn
    assert browser.run(_LOADED) == []
    assert browser.run(_CLEAR) == [], "texts reach beyond their chart"
    # The first thing that the keyboard reaches leads past the navigation, the next into it.
    browser.press(TAB)
    assert 'class="skip"' in browser.run(_FOCUS)
    browser.press(TAB)
    assert 'href="index.html"' in browser.run(_FOCUS)
    browser.size(500, 900)
    assert browser.run(_WIDE) <= 0, "a phone's reader scrolls tables, never the page"
    assert browser.run(_CLEAR) == [], "texts reach beyond their chart on a phone"
    assert browser.complaints() == []
    browser.size(1500, 1000)
