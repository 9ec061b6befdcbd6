"""`check`: the contract against what runs, from a consumer's side. No runtime is involved."""

from __future__ import annotations

from mmp_local_dev.contract.load import load
from mmp_local_dev.contract.verify import Report, verify
from mmp_local_dev.operations.opened import published
from mmp_local_dev.workspace import Stack


def check(stack: Stack, *, timeout: float = 10) -> Report:
    """Verify the contract with the values of `.env`, so that a stale file is noticed.

    Each clause gets about `timeout` seconds. Raises MmpError when there is no `.env`.
    """
    contract = load(stack.workspace.contract)
    return verify(contract, published(stack, contract), timeout=timeout)
