"""The Docker engine of this machine, for the tests that end it and start it again as it was."""

from __future__ import annotations

import signal
import subprocess

from conftest import dockerd
from writer import eventually


class Engine:
    """Knows how the engine was started, from before it ends. Only where `needs("engine")` is met."""

    def __init__(self) -> None:
        process = dockerd()
        assert process
        self._argv, self._environment = process.cmdline(), process.environ()

    def end(self, number: signal.Signals) -> None:
        process = dockerd()
        assert process
        process.send_signal(number)
        process.wait(60)

    def start(self) -> None:
        if dockerd() is None:
            nowhere = subprocess.DEVNULL
            subprocess.Popen(
                self._argv,
                env=self._environment,
                cwd="/",  # the folder that it was started in may be gone by now
                stdin=nowhere,
                stdout=nowhere,
                stderr=nowhere,
                start_new_session=True,
            )
        version = ["docker", "version"]
        assert eventually(lambda: subprocess.run(version, capture_output=True, check=False).returncode == 0)
