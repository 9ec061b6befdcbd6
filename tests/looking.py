"""Pages looked at in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmp_local_dev.files import write_text

# The contrast of every text with what is behind it (WCAG 2.2), as far as it is below what is demanded.
TOO_FAINT = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = channels(colour).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = element => {
    const [a, b] = [getComputedStyle(element).color, behind(element)].map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  return [...document.querySelectorAll("body *")]
    .filter(e => [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim()) && ratio(e) < 4.5)
    .map(e => `${e.tagName} ${e.className}: ${e.textContent.slice(0, 40)} (${ratio(e)})`);
}"""

# What is wider than the box that it stands in, which would be cut off or lie over its neighbour.
SPILLED = """() => [...document.querySelectorAll("body *")]
  .filter(e => e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1)
  .map(e => `${e.tagName} ${e.className}: ${e.scrollWidth} in ${e.clientWidth}`)"""


class Looked:
    """A page in the browser, and everything that the browser had to say about it."""

    def __init__(self, chromium: Any, html: str, folder: Path, *, width: int, scheme: str) -> None:
        self.file = folder / "page.html"
        write_text(self.file, html)
        self.said: list[str] = []
        self.requests: list[str] = []
        self.page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.file.as_uri())

    def __call__(self, script: str) -> Any:
        return self.page.evaluate(script)

    def texts(self, selector: str) -> list[str]:
        return [" ".join(text.split()) for text in self.page.locator(selector).all_text_contents()]

    def shown(self, selector: str) -> int:
        return sum(each.is_visible() for each in self.page.locator(selector).all())
