"""Generated people and purchases as the rows of their tables, in Arrow: there is no Python loop over rows anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmp_local_dev.features.generated import world
from mmp_local_dev.features.generated.population import home

if TYPE_CHECKING:
    import pyarrow as pa

    from mmp_local_dev.features.generated.population import Population
    from mmp_local_dev.features.generated.purchases import Purchases
    from mmp_local_dev.features.generated.randomness import Ints

_START = int(world.START.timestamp())


def transactions(bought: Purchases, people: Population, before: int) -> pa.Table:
    """Rows of `transactions`; `before` is how many of the data set there are already."""
    import numpy as np
    import pyarrow as pa

    number = np.arange(before + 1, before + 1 + len(bought.user))
    categories = pa.array([each.name for each in world.CATEGORIES])
    return pa.table(
        {
            "transaction_id": _named("tx_", number, 9),
            "event_timestamp": _times(bought.second),
            "user_id": _named("user_", people.number, 6).take(pa.array(bought.user)),
            "merchant_id": _named("merchant_", bought.merchant + 1, 4),
            "category": categories.take(pa.array(bought.category)),
            "amount": pa.array(bought.cents / 100.0),
            "latitude": pa.array(bought.latitude),
            "longitude": pa.array(bought.longitude),
            "is_fraud": pa.array(bought.is_fraud),
        }
    )


def demographics(people: Population) -> pa.Table:
    """Rows of `user_demographics`: who each one is from the first day on, and again whenever something changes."""
    import numpy as np
    import pyarrow as pa

    changes = (people.first_day * world.DAY, people.birthday, people.next_job_at, people.moves_at)
    second = np.stack(changes, axis=1).reshape(-1)
    user = np.repeat(np.arange(len(people)), len(changes))
    comes = second < world.DAYS * world.DAY
    second, user = second[comes], user[comes]
    order = np.lexsort((second, user))
    second, user = second[order], user[order]
    city = np.where(second >= people.moves_at[user], people.next_city[user], people.city[user])
    job = np.where(second >= people.next_job_at[user], people.next_job[user], people.job[user])
    latitude, longitude = home(people, user, second)
    return pa.table(
        {
            "user_id": _named("user_", people.number, 6).take(pa.array(user)),
            "event_timestamp": _times(second),
            "age": pa.array(people.age[user] + (second >= people.birthday[user])),
            "gender": pa.array(["M", "F"]).take(pa.array(people.female[user])),
            "job": pa.array(world.JOBS).take(pa.array(job)),
            "city": _of_cities("name", city),
            "state": _of_cities("state", city),
            "city_population": _of_cities("population", city),
            "home_latitude": pa.array(latitude),
            "home_longitude": pa.array(longitude),
        }
    )


def _named(prefix: str, number: Ints, digits: int) -> Any:
    """`prefix` and the number, with noughts before it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    padded = pc.utf8_lpad(pa.array(number).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(prefix, padded, "")


def _times(second: Ints) -> Any:
    import pyarrow as pa

    return pa.array(second + _START).cast(pa.timestamp("s", "UTC"))


def _of_cities(field: str, city: Ints) -> Any:
    import pyarrow as pa

    return pa.array([getattr(each, field) for each in world.CITIES]).take(pa.array(city))
