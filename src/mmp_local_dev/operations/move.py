"""Moving a stack's data from one runtime to another: dump, restore, compare; the old data stays.

Both servers run on ports of their own meanwhile, so that no consumer writes to what is being read, or reads what is
half there. The stack changes sides in one step, when everything was compared. A move that is killed is undone by the
next `up`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

from mmp_local_dev.environment import Environment
from mmp_local_dev.errors import MmpError, Repair
from mmp_local_dev.events import Began, Done, Emit, Note, Progress
from mmp_local_dev.files import write_atomically
from mmp_local_dev.operations.opened import Opened, choose_runtime
from mmp_local_dev.processes import free_port
from mmp_local_dev.runtimes import RUNTIMES
from mmp_local_dev.runtimes.base import PORT_VARIABLES, Runtime
from mmp_local_dev.services import SERVICES, STORES
from mmp_local_dev.services.base import Home, Store
from mmp_local_dev.wait import wait_until
from mmp_local_dev.workspace import Stack

_TIMEOUT = 60.0
