"""Chromium for the tests of what a browser shows."""

import shutil

import pytest

from tests.conftest import skip_or_fail
from tests.outputs.atlas_visitor import Page


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        skip_or_fail("chromium is not installed: make system")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield running
        running.close()


@pytest.fixture
def visit(browser):
    opened = []

    def new(*size):
        opened.append(Page(browser, *size))
        return opened[-1]

    yield new
    for page in opened:
        page.context.close()
