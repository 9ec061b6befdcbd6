"""Who the users of an imported file are, and from when: read off the lines of their transactions."""

from __future__ import annotations

from typing import LiteralString

TABLE = "mmp_dev_people"
MAKE: LiteralString = """
    CREATE UNLOGGED TABLE mmp_dev_people (
        user_id text, at timestamptz, transaction_id text, gender text, job text, city text, state text,
        city_population bigint, home_latitude float8, home_longitude float8, born date)
"""
DROP: LiteralString = "DROP TABLE mmp_dev_people"
# A row whenever a line says something else than the one before, and at each midnight (UTC) of a birthday from then on,
# up to the end of the day of the file's last transaction. Who is born on 29 February is a year older on 1 March.
DERIVE: LiteralString = """
    INSERT INTO user_demographics (user_id, event_timestamp, age, gender, job, city, state, city_population,
                                   home_latitude, home_longitude)
    WITH lines AS (
        SELECT DISTINCT ON (user_id, at) * FROM mmp_dev_people ORDER BY user_id, at, transaction_id DESC
    ), told AS (
        SELECT *, lag(user_id) OVER by_time IS NULL
               OR (gender, job, city, state, city_population, home_latitude, home_longitude, born) IS DISTINCT FROM
                  (lag(gender) OVER by_time, lag(job) OVER by_time, lag(city) OVER by_time, lag(state) OVER by_time,
                   lag(city_population) OVER by_time, lag(home_latitude) OVER by_time,
                   lag(home_longitude) OVER by_time, lag(born) OVER by_time) AS changed
        FROM lines WINDOW by_time AS (PARTITION BY user_id ORDER BY at)
    ), changes AS (
        SELECT *, extract(year FROM age((at AT TIME ZONE 'UTC')::date, born))::integer AS years,
               coalesce(lead(at) OVER (PARTITION BY user_id ORDER BY at), ended) AS until
        FROM told CROSS JOIN (
            SELECT ((max(at) AT TIME ZONE 'UTC')::date + 1)::timestamp AT TIME ZONE 'UTC' AS ended FROM mmp_dev_people
        ) AS period WHERE changed
    )
    SELECT user_id, at, years, gender, job, city, state, city_population, home_latitude, home_longitude FROM changes
    UNION ALL
    SELECT user_id, midnight, number, gender, job, city, state, city_population, home_latitude, home_longitude
    FROM changes
    CROSS JOIN LATERAL generate_series(years + 1, years + 1 + (extract(epoch FROM until - at) / 31536000)::integer)
        AS number
    CROSS JOIN LATERAL (SELECT (born + make_interval(years => number))::date AS same_date) AS anniversary
    CROSS JOIN LATERAL (
        SELECT (same_date + CASE WHEN extract(day FROM same_date) = extract(day FROM born) THEN 0 ELSE 1 END)::timestamp
               AT TIME ZONE 'UTC' AS midnight) AS birthday
    WHERE midnight > at AND midnight < until
"""
TWICE: LiteralString = "SELECT transaction_id FROM transactions GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
