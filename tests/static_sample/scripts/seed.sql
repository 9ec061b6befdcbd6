-- What the features are read from; made anew each time.
\set ON_ERROR_STOP on
CREATE SCHEMA IF NOT EXISTS features;

DROP TABLE IF EXISTS features.user_demographics, features.user_activity;

CREATE TABLE features.user_demographics (
    user_id varchar(50) PRIMARY KEY,
    event_timestamp timestamp with time zone NOT NULL,
    age int4,
    gender character varying(10)  -- as people say; it may be NULL
);

CREATE TABLE features.user_activity (
    user_id varchar(50) NOT NULL,
    event_timestamp timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE features.user_activity ADD COLUMN logins bigint NOT NULL;

INSERT INTO features.user_demographics VALUES ('user_001', '2026-01-01', 31, 'F; or M');

GRANT USAGE ON SCHEMA features TO mlpipeline_user;
GRANT SELECT ON features.user_demographics TO mlpipeline_user;
GRANT SELECT, INSERT ON TABLE features.user_activity TO mlpipeline_user;
