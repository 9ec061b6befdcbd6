#!/usr/bin/env bash
# Makes the roles and databases of a new PostgreSQL container; its image runs this once, when it makes the data
# directory. `mmp-dev up` finds all of it there, and mends what is missing.
set -euo pipefail

umask 077
base64 -d <<<"$TLS_PEM" >"$PGDATA/server.pem"

# Values reach psql through its environment, not its command line, which every user could read.
PROVIDED_PASSWORD=$(</run/secrets/postgres-password)
export PROVIDED_PASSWORD
psql --no-psqlrc --quiet --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 <<'SQL'
\getenv user PROVIDED_USER
\getenv password PROVIDED_PASSWORD
\getenv database PROVIDED_DB
\getenv schema FEAST_DB_SCHEMA
\getenv mlflow_password MLFLOW_DATABASE_PASSWORD

ALTER SYSTEM SET ssl = on;
ALTER SYSTEM SET ssl_cert_file = 'server.pem';
ALTER SYSTEM SET ssl_key_file = 'server.pem';

CREATE ROLE :"user" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE mlflow_partial OWNER mlflow;

\connect :"database"
CREATE SCHEMA IF NOT EXISTS :"schema" AUTHORIZATION :"user";

\connect mlflow_partial
SET ROLE mlflow;
\i /mlflow-schema.sql

\connect postgres
ALTER DATABASE mlflow_partial RENAME TO mlflow;
SQL
