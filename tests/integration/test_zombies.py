"""A container whose first process reaps nobody, such as `tail -f /dev/null` in the job containers of GitHub Actions."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conftest import MMP_DEV, Dev

pytestmark = pytest.mark.needs("native")

# Orphans become children of this process, which looks after none of them.
ADOPTER = """
import ctypes, subprocess, sys
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
for arguments in (["up", "redis"], ["down"]):
    child = subprocess.Popen([*sys.argv[1:], *arguments])
    assert child.wait() == 0
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_down_ends_where_nobody_reaps(dev: Dev) -> None:
    command = [sys.executable, "-c", ADOPTER, *MMP_DEV]
    done = subprocess.run(
        command, cwd=dev.root, env=dev.environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Stopped redis" in done.stdout
