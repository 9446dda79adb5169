"""Debian's Chromium without a window, driven by its own driver, and what a page says of itself in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

__all__ = [
    "complaints",
    "contrasts",
    "emulate",
    "evaluated",
    "logged",
    "needs_chromium",
    "press",
    "running_chromium",
]

_CHROMIUM: Final = shutil.which("chromium")
_DRIVER: Final = shutil.which("chromedriver")

needs_chromium = pytest.mark.skipif(
    not (_CHROMIUM and _DRIVER) and not os.environ.get("CI"), reason="chromium and chromedriver are not installed"
)

_CONTRASTS: Final = """
const channels = (color) => color.match(/[\\d.]+/g).map(Number);
const light = (color) => {
  const [r, g, b] = channels(color).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if ((channels(color)[3] ?? 1) === 1) return color;
  }
  return "rgb(255, 255, 255)";
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.matches("script, option")) continue;
  const pair = [getComputedStyle(element).color, ground(element)].map(light).sort((a, b) => b - a);
  found.push([(pair[0] + 0.05) / (pair[1] + 0.05), walker.currentNode.data.trim()]);
}
return found;
"""


@contextmanager
def running_chromium() -> Generator[Chrome]:
    """A browser, which logs what pages complain of and ask for."""
    assert _CHROMIUM, "it is Debian's package chromium"
    assert _DRIVER, "it is Debian's package chromium-driver"
    options = ChromeOptions()
    options.binary_location = _CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with Chrome(options=options, service=ChromeService(_DRIVER)) as driver:
        driver.set_page_load_timeout(60)
        yield driver


def emulate(browser: Chrome, *, width: int, scheme: str, media: str = "screen") -> None:
    """Make the browser one of another device."""
    driver: Any = browser
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def evaluated(browser: Chrome, script: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the page says
    """Return what a script says in the page."""
    driver: Any = browser
    return driver.execute_script(script, *arguments)


def contrasts(browser: Chrome) -> list[tuple[float, str]]:
    """Return of each visible text the contrast with its ground (w3.org/TR/WCAG21), and the text."""
    return [(ratio, text) for ratio, text in evaluated(browser, _CONTRASTS)]


def logged(browser: Chrome, kind: str) -> Sequence[dict[str, Any]]:
    """Return what was logged since the last time."""
    driver: Any = browser
    return cast("Sequence[dict[str, Any]]", driver.get_log(kind))


def complaints(browser: Chrome) -> list[str]:
    """Return what the console holds."""
    return [str(entry["message"]) for entry in logged(browser, "browser")]


def press(browser: Chrome, *keys: str) -> None:
    """Press keys, wherever the focus is."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)
