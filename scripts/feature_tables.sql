-- The offline store's tables, in the schema that FEAST_DB_SCHEMA names. `mmp-dev up` runs this; what is there stays.
-- Each primary key is (entity, event_timestamp): the order in which point-in-time joins look for rows.

-- What happened, with the answer: the rows of a training set.
CREATE TABLE IF NOT EXISTS transactions (
    transaction_id varchar(32) PRIMARY KEY,
    event_timestamp timestamptz NOT NULL,
    user_id varchar(50) NOT NULL,
    merchant_id varchar(100) NOT NULL,
    category varchar(50) NOT NULL,
    amount numeric(12, 2) NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    is_fraud smallint NOT NULL CHECK (is_fraud IN (0, 1))
);
CREATE INDEX IF NOT EXISTS transactions_event_timestamp ON transactions (event_timestamp);
CREATE INDEX IF NOT EXISTS transactions_user ON transactions (user_id, event_timestamp);
CREATE INDEX IF NOT EXISTS transactions_merchant ON transactions (merchant_id, event_timestamp);

-- Who a user is, from event_timestamp until the next row.
CREATE TABLE IF NOT EXISTS user_demographics (
    user_id varchar(50) NOT NULL,
    event_timestamp timestamptz NOT NULL,
    age integer NOT NULL,
    gender varchar(10) NOT NULL,
    job varchar(100) NOT NULL,
    city varchar(100) NOT NULL,
    state varchar(50) NOT NULL,
    city_population bigint NOT NULL,
    home_latitude double precision NOT NULL,
    home_longitude double precision NOT NULL,
    PRIMARY KEY (user_id, event_timestamp)
);

-- A user's transactions strictly before event_timestamp: from one day (7, 30) before it on. A row is known in the second
-- after that of the transaction that it counts last, so that no transaction finds itself in its own statistics. The last
-- one of several at the same moment is that with the greatest transaction_id.
CREATE TABLE IF NOT EXISTS user_transaction_stats (
    user_id varchar(50) NOT NULL,
    event_timestamp timestamptz NOT NULL,
    transaction_count_1d bigint NOT NULL,
    transaction_count_7d bigint NOT NULL,
    transaction_count_30d bigint NOT NULL,
    amount_sum_1d double precision NOT NULL,
    amount_sum_7d double precision NOT NULL,
    amount_sum_30d double precision NOT NULL,
    amount_mean_30d double precision NOT NULL,
    amount_max_30d double precision NOT NULL,
    last_amount double precision NOT NULL,
    last_transaction_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, event_timestamp)
);

-- A merchant's transactions of the 30 days before event_timestamp, which is midnight UTC: every one from its own first
-- transaction on, up to that after the last of all. Fraud is known a week late: fraud_rate_30d counts the 30 days that
-- end seven days before event_timestamp. What is said of transactions is null where there are none.
CREATE TABLE IF NOT EXISTS merchant_stats (
    merchant_id varchar(100) NOT NULL,
    event_timestamp timestamptz NOT NULL,
    transaction_count_30d bigint NOT NULL,
    amount_mean_30d double precision,
    amount_max_30d double precision,
    fraud_rate_30d double precision,
    PRIMARY KEY (merchant_id, event_timestamp)
);

-- The same of a category.
CREATE TABLE IF NOT EXISTS category_stats (
    category varchar(50) NOT NULL,
    event_timestamp timestamptz NOT NULL,
    transaction_count_30d bigint NOT NULL,
    amount_mean_30d double precision,
    amount_max_30d double precision,
    fraud_rate_30d double precision,
    PRIMARY KEY (category, event_timestamp)
);
