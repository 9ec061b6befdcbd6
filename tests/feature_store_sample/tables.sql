CREATE TABLE features.user_demographics (
    user_id varchar(50) NOT NULL,
    age bigint NOT NULL,
    gender varchar(10),
    income double precision,
    event_timestamp timestamptz NOT NULL,
    PRIMARY KEY (user_id, event_timestamp)
);
CREATE TABLE features.user_interests (
    user_id varchar(50) PRIMARY KEY,
    topics text[],
    email text UNIQUE,
    event_timestamp timestamptz NOT NULL
);
INSERT INTO features.user_demographics VALUES
    ('user_001', 30, 'F', 51000.25, '2026-01-01T00:00:00Z'),
    ('user_001', 31, 'F', 52000.25, '2026-06-01T00:00:00Z'),
    ('user_002', 44, NULL, 38000, '2026-01-01T00:00:00Z');
INSERT INTO features.user_interests VALUES ('user_001', '{chess}', 'one@example.com', '2026-01-01T00:00:00Z');
