"""`.ci/run` without the checks themselves: every step is run and named when it fails, within the limit of them all."""

import os
import re
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "run"
OUT_OF_TIME = ["make lint: no time left", "make test: no time left", "make test-slow: no time left"]


def run(folder: Path, make: str, limit: int | None = None) -> tuple[int, list[str]]:
    """Exit status and failures of the script, with a `make` of this shell script and the limit in seconds."""
    text = SCRIPT.read_text()
    if limit is not None:
        text, changed = re.subn(r"^limit=\d+", f"limit={limit}", text, flags=re.MULTILINE)
        assert changed == 1
    tools = folder / "tools"
    tools.mkdir()
    for name, body in (("make", make), ("chromium", "exit 0")):
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    script = folder / "ci" / "run"
    script.parent.mkdir()
    script.write_text(text)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", script], env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, [line.removeprefix("failed: ") for line in done.stderr.splitlines()]


def test_nothing_fails(tmp_path: Path) -> None:
    assert run(tmp_path, "exit 0") == (0, [])


def test_a_step_that_fails_does_not_keep_the_others_from_running(tmp_path: Path) -> None:
    assert run(tmp_path, '[ "$1" != test ]') == (1, ["make test"])


@pytest.mark.parametrize("limit", [0, -9])
def test_no_step_is_run_without_a_limit(limit: int, tmp_path: Path) -> None:
    """A limit of 0 is none at all to `timeout`, and it refuses to run anything with a lower one."""
    assert run(tmp_path, "exit 0", limit) == (1, OUT_OF_TIME)
