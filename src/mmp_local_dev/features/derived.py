"""The statistics of a data set, derived from its transactions by the same statements wherever those come from.

What they mean is said in `scripts/feature_tables.sql`. Amounts are summed as whole cents, so that no sum depends on the
order of its parts, and every mean is the sum in dollars by the count.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from mmp_local_dev.services.postgresql import Connection

_AT_ONCE = 100_000  # transactions; more is not faster, and less moves no bar more smoothly
# The last user of each range, and the transactions of the range.
_RANGES: LiteralString = """
    SELECT max(user_id), sum(transactions)::bigint FROM (
        SELECT user_id, count(*) AS transactions, (sum(count(*)) OVER (ORDER BY user_id) - count(*)) AS before
        FROM transactions GROUP BY user_id
    ) AS users GROUP BY div(before, %s) ORDER BY 1
"""
# A row is known one second after `second`, and counts what lies at most a day (…) before that: of transactions in the
# same second, all; and it is made once, by the last of them.
_USERS: LiteralString = """
    INSERT INTO user_transaction_stats (
        user_id, event_timestamp, transaction_count_1d, transaction_count_7d, transaction_count_30d,
        amount_sum_1d, amount_sum_7d, amount_sum_30d, amount_mean_30d, amount_max_30d, last_amount, last_transaction_at)
    SELECT user_id, to_timestamp(second + 1), count_1d, count_7d, count_30d,
           cents_1d / 100.0::float8, cents_7d / 100.0::float8, cents_30d / 100.0::float8,
           cents_30d / 100.0::float8 / count_30d, most_30d / 100.0::float8, cents / 100.0::float8, event_timestamp
    FROM (
        SELECT user_id, second, cents, event_timestamp,
               lead(second) OVER (PARTITION BY user_id ORDER BY second, event_timestamp, transaction_id) AS next_second,
               count(*) OVER d1 AS count_1d, (sum(cents) OVER d1)::bigint AS cents_1d,
               count(*) OVER d7 AS count_7d, (sum(cents) OVER d7)::bigint AS cents_7d,
               count(*) OVER d30 AS count_30d, (sum(cents) OVER d30)::bigint AS cents_30d,
               max(cents) OVER d30 AS most_30d
        FROM (
            SELECT user_id, transaction_id, event_timestamp, (amount * 100)::bigint AS cents,
                   extract(epoch FROM date_trunc('second', event_timestamp))::bigint AS second
            FROM transactions WHERE user_id > %s AND user_id <= %s
        ) AS each
        WINDOW d1 AS (PARTITION BY user_id ORDER BY second RANGE BETWEEN 86399 PRECEDING AND CURRENT ROW),
               d7 AS (PARTITION BY user_id ORDER BY second RANGE BETWEEN 604799 PRECEDING AND CURRENT ROW),
               d30 AS (PARTITION BY user_id ORDER BY second RANGE BETWEEN 2591999 PRECEDING AND CURRENT ROW)
    ) AS counted WHERE next_second IS DISTINCT FROM second
"""
# Day by day, also where nothing was sold; a row is stamped with the midnight that ends its day.
_DAILY: LiteralString = """
    INSERT INTO {0}_stats ({1}, event_timestamp, transaction_count_30d, amount_mean_30d, amount_max_30d, fraud_rate_30d)
    WITH sales AS (
        SELECT {1}, (event_timestamp AT TIME ZONE 'UTC')::date AS day, count(*) AS sold, sum(is_fraud) AS frauds,
               sum((amount * 100)::bigint)::bigint AS cents, max((amount * 100)::bigint) AS most
        FROM transactions GROUP BY 1, 2
    ), days AS (
        SELECT {1}, first + number AS day
        FROM (SELECT {1}, min(day) AS first FROM sales GROUP BY 1) AS firsts
        CROSS JOIN LATERAL generate_series(0, (SELECT max(day) FROM sales) - first) AS number
    )
    SELECT {1}, (day + 1)::timestamp AT TIME ZONE 'UTC', coalesce(sold_30d, 0),
           cents_30d / 100.0::float8 / nullif(sold_30d, 0), most_30d / 100.0::float8,
           frauds_known::float8 / nullif(sold_known, 0)
    FROM (
        SELECT {1}, day, (sum(sold) OVER d30)::bigint AS sold_30d, (sum(cents) OVER d30)::bigint AS cents_30d,
               max(most) OVER d30 AS most_30d, (sum(frauds) OVER known)::bigint AS frauds_known,
               (sum(sold) OVER known)::bigint AS sold_known
        FROM days LEFT JOIN sales USING ({1}, day)
        WINDOW d30 AS (PARTITION BY {1} ORDER BY day ROWS BETWEEN 29 PRECEDING AND CURRENT ROW),
               known AS (PARTITION BY {1} ORDER BY day ROWS BETWEEN 36 PRECEDING AND 7 PRECEDING)
    ) AS counted
"""
_MERCHANTS: LiteralString = _DAILY.replace("{0}", "merchant").replace("{1}", "merchant_id")
_CATEGORIES: LiteralString = _DAILY.replace("{0}", "category").replace("{1}", "category")


def derive(connection: Connection) -> Iterator[int]:
    """Fill the tables of statistics, which are empty, from `transactions`; after each step how many of those are done.

    All are found by the connection's search path, and the session's time zone is UTC.
    """
    after, done = "", 0
    for last, transactions in connection.execute(_RANGES, [_AT_ONCE]).fetchall():
        connection.execute(_USERS, [after, last], prepare=False)
        after, done = last, done + transactions
        yield done
    connection.execute(_MERCHANTS)
    connection.execute(_CATEGORIES)
