"""A real Chromium for the tests, driven by playwright; a test without one is skipped with the reason."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

#: Headless, without a sandbox (tests may run as root), without any request of the browser's own, and without any other
#: machine: a page that asks one for a font or a script is told at once that there is none.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def _missing(reason: str) -> None:
    if os.environ.get("TREEMEM_REQUIRE_EXTRAS") == "1":
        pytest.fail(f"TREEMEM_REQUIRE_EXTRAS=1, but {reason}")
    pytest.skip(reason)


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Yield a browser: the system's Chromium, else the one that playwright installed."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _missing("no playwright: pip install 'treemem[test]'")
        return
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as play:
        try:
            running = play.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        except Error as error:
            _missing(f"no Chromium: apt-get install chromium ({str(error).splitlines()[0]})")
            return
        yield running
        running.close()
