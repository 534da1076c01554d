"""A real browser without a screen, for the pages of `kadita view`: shared with the tests."""

import importlib.util
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing of the browser's own asks the network, and WebGL is drawn by the processor.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
# Set to this, the environment variable makes tests without a browser fail, not be skipped.
VARIABLE, REQUIRED = "KADITA_BROWSER", "required"
WAIT_S = 30


def missing() -> str:
    """What is not there to open a page with; "" when all is."""
    if importlib.util.find_spec("playwright") is None:
        return "needs playwright (pip install playwright)"
    if _executable() is None:
        return f"needs a browser: {', '.join(NAMES)}"
    return ""


def is_required() -> bool:
    """Whether a browser that is missing is an error."""
    return os.environ.get(VARIABLE) == REQUIRED


@contextmanager
def browsing(width: int = 1280, height: int = 800) -> Iterator[Any]:
    """A browser window of that size, cut off from the network, as Playwright's context."""
    # Only now: a machine that has no browser has no Playwright either.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(), args=[*ARGUMENTS])
        yield browser.new_context(viewport={"width": width, "height": height}, offline=True)
        browser.close()


def open_page(page: Any, path: Path) -> Any:
    """Playwright's page, once it shows what an HTML file holds."""
    page.goto(path.absolute().as_uri())
    wait_until(page, "window.kadita !== undefined")
    return page


def wait_until(page: Any, condition: str) -> None:
    """Return once a JavaScript expression is true.

    Playwright's own way evaluates text, which the page's policy forbids.
    """
    end = time.monotonic() + WAIT_S
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"waited {WAIT_S} s for {condition}"
        page.wait_for_timeout(20)


def _executable() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)
