"""Registers the definitions beside this file and loads the online store, with real Feast and the environment's values.

A process of its own, as `feast apply` and `feast materialize` would be two.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    from feast import FeatureStore

    sys.path.insert(0, str(HERE))
    import definitions

    store = FeatureStore(str(HERE))
    store.apply(
        [
            definitions.user_id,
            definitions.demographics,
            definitions.interests,
            definitions.user_age,
            definitions.scoring,
        ]
    )
    store.materialize(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))


if __name__ == "__main__":
    main()
