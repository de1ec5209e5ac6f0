"""A real browser without a window, spoken to by the DevTools protocol over a pipe."""

import base64
import json
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser():
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        pytest.skip(f"no browser is installed: none of {', '.join(NAMES)}")
    return found[0]


class Tab:
    """One page.

    Attributes:
        complaints: What the browser has logged about it.

    Args:
        process: The browser.
        orders: What it reads.
        answers: What it writes.
    """

    def __init__(self, process, orders, answers):
        self.process, self._orders, self._answers = process, orders, answers
        self._number, self._rest, self._session = 0, b"", None
        self.complaints = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]

    def call(self, method, **values):
        """What a command of the protocol answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._orders, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("method") == "Log.entryAdded":
                self.complaints.append(answer["params"]["entry"]["text"])
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self):
        while b"\0" not in self._rest:
            read = os.read(self._answers, 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def open(self, address, width=1200, height=900, theme="light"):
        """Show an address in a window of a size, in pixels."""
        self.call(
            *("Emulation.setDeviceMetricsOverride",),
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        self.call("Log.enable")
        themes = [{"name": "prefers-color-scheme", "value": theme}]
        self.call("Emulation.setEmulatedMedia", features=themes)
        self.call("Page.navigate", url=address)

    def run(self, script):
        """Value of an expression, once it is there if it is a promise."""
        given = {"expression": script, "awaitPromise": True, "returnByValue": True}
        found = self.call("Runtime.evaluate", **given)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, condition, seconds=120):
        """Wait until an expression is true."""
        done = self.run(
            f"new Promise((resolve) => {{ const end = Date.now() + {1000 * seconds};"
            f" const look = () => {{ let found = false; try {{ found = {condition} }} catch {{}}"
            " if (found || Date.now() > end) resolve(Boolean(found)); else setTimeout(look, 50); };"
            " look(); })"
        )
        assert done, f"waited {seconds} s for {condition}"

    def picture(self, path):
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def open_tab(folder):
    """A tab of a browser whose profile lies in a folder."""
    theirs, orders = os.pipe()
    answers, ours = os.pipe()

    def place():
        os.dup2(theirs, 3)
        os.dup2(ours, 4)

    process = subprocess.Popen(
        [
            *(find_browser(), "--headless=new", "--no-sandbox", "--disable-gpu"),
            *("--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}"),
        ],
        preexec_fn=place,
        pass_fds=(3, 4, theirs, ours),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.close(ours)
    try:
        yield Tab(process, orders, answers)
    finally:
        # Its own processes too would go on writing into the profile.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(orders)
        os.close(answers)
