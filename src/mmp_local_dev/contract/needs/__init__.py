"""A consumer's requirements against a contract: what they use, whether it is promised, and what of it to check live."""

from mmp_local_dev.contract.needs.asked import as_contract, version_clauses
from mmp_local_dev.contract.needs.comparing import compare, comparison
from mmp_local_dev.contract.needs.groups import of_group
from mmp_local_dev.contract.needs.subjects import Subject, uses

__all__ = ["Subject", "as_contract", "compare", "comparison", "of_group", "uses", "version_clauses"]
