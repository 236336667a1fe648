"""Real Chromium for journeys: headless, alone, with an empty profile; whatever it complains about is kept.

CHROMIUM names another binary, CHROMEDRIVER another driver. Nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import JavascriptException, StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def _found(variable: str, names: tuple[str, ...]) -> str | None:
    """A snap's binary cannot read the profile that it is given, and counts as none."""
    if os.environ.get(variable):
        return os.environ[variable]
    paths = (shutil.which(name) for name in names)
    return next((path for path in paths if path and "/snap" not in str(Path(path).resolve())), None)


def chromium() -> tuple[str, str]:
    """Binary and driver. Without them a journey fails on Debian 12, which has them, and is skipped elsewhere."""
    binary = _found("CHROMIUM", ("chromium", "google-chrome", "google-chrome-stable"))
    driver = _found("CHROMEDRIVER", ("chromedriver",))
    if binary and driver:
        return binary, driver
    missing = " and ".join(name for name, path in (("Chromium", binary), ("chromedriver", driver)) if not path)
    words = f"{missing} not found. Install the packages chromium and chromium-driver, or name them in CHROMIUM and CHROMEDRIVER."
    release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    if 'VERSION_ID="12"' in release and "ID=debian" in release:
        pytest.fail(words)
    pytest.skip(words)


class Browser:
    """One window of one person."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.complaints: list[str] = []

    def open(self, url: str) -> None:
        self.driver.get(url)

    def run(self, script: str, *values: Any) -> Any:
        """The value of a script's `return`."""
        return self.driver.execute_script(script, *values)

    def run_async(self, body: str, *values: Any) -> Any:
        """The value of an async function's `return`; `values` are its `args`."""
        answer = self.driver.execute_async_script(
            "const args = [...arguments]; const done = args.pop();"
            f"(async () => {{ {body} }})().then((value) => done({{ value }}), (error) => done({{ error: `${{error.stack}}` }}));",
            *values,
        )
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def until(self, condition: str, *values: Any, seconds: float = 15) -> Any:
        """Waits until a JavaScript expression is true, and gives its value."""
        end = time.monotonic() + seconds
        while True:
            try:
                answer = self.run(f"return {condition}", *values)
            except JavascriptException as error:
                answer, said = None, error.msg
            else:
                said = repr(answer)
            if answer:
                return answer
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds:g} s for {condition}; last: {said}; page: {self.seen()}")
            time.sleep(0.05)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What can be read there now; empty if it is not there."""
        try:
            return next((found.text for found in self.driver.find_elements(By.CSS_SELECTOR, selector)), "")
        except StaleElementReferenceException:
            return ""

    def click(self, selector: str) -> None:
        self.until("document.querySelector(arguments[0])?.checkVisibility()", selector)
        self.find(selector).click()

    def type(self, selector: str, text: str, *, enter: bool = True, clear: bool = True) -> None:
        self.until("document.querySelector(arguments[0])?.checkVisibility()", selector)
        field = self.find(selector)
        if clear:
            field.clear()
        if text.isascii():
            field.send_keys(text)
        else:
            # The driver cannot type what lies beyond the basic plane.
            self.run(
                "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', { bubbles: true }))",
                field,
                text,
            )
        if enter:
            field.send_keys("\n")

    def resize(self, *, width: int, height: int, phone: bool = False) -> None:
        """The size of the page itself; `phone` also turns on a phone's way of laying out."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def errors(self) -> list[str]:
        """Errors of the console since the browser began."""
        self.complaints += [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return self.complaints

    def seen(self) -> str:
        """What a person would read, for the message of a failed test."""
        body = str(self.run("return document.body?.innerText ?? ''"))
        return f"{' / '.join(body.split())[:600]} | errors: {self.errors()[:5]}"

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))


@contextmanager
def browser(
    *, width: int = 1280, height: int = 800, phone: bool = False, flags: tuple[str, ...] = ()
) -> Iterator[Browser]:
    """A browser of its own, gone with its profile at the end."""
    binary, driver_path = chromium()
    with tempfile.TemporaryDirectory(prefix="liveroom-chromium-", ignore_cleanup_errors=True) as profile:
        options = Options()
        options.binary_location = binary
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", *flags):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(driver_path))
        try:
            driver.set_script_timeout(30)
            driver.set_page_load_timeout(30)
            window = Browser(driver)
            window.resize(width=width, height=height, phone=phone)
            yield window
        finally:
            driver.quit()
