#!/bin/sh
# Runs MLflow's server in its container. The settings are those with which mmp-dev runs it natively.
set -eu

port=5002                               # in the container; docker-compose.yml publishes it as MLFLOW_PORT
here=${MLFLOW_TRACKING_URI#*://}        # host:port as consumers on the host write it
here=${here%%/*}
published=${here##*:}
# MLflow answers 403 to a Host header that it does not know.
export MLFLOW_SERVER_ALLOWED_HOSTS="$here,localhost:$published,127.0.0.1:$published,host.docker.internal:$published,mlflow:$port"
export MLFLOW_BACKEND_STORE_URI="postgresql+psycopg://mlflow@postgresql:5432/mlflow"
export PGPASSWORD="$MLFLOW_DATABASE_PASSWORD"
export MLFLOW_ARTIFACTS_DESTINATION=/mlflow-artifacts
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION="${MMP_MLFLOW_JOBS:=false}"

set -- --host 0.0.0.0 --port $port --workers "${MMP_MLFLOW_WORKERS:-1}"
options="--no-access-log --timeout-graceful-shutdown 5 --header Mmp-Stack:$MMP_STACK_ID"

if [ "$MMP_MLFLOW_JOBS" = true ]; then
  exec mlflow server "$@" --uvicorn-opts "$options"
fi
# uvicorn alone starts in a third of the time and memory; these are the variables that `mlflow server` sets for it.
export _MLFLOW_SERVER_FILE_STORE="$MLFLOW_BACKEND_STORE_URI"
export _MLFLOW_SERVER_ARTIFACT_ROOT=mlflow-artifacts:/
export _MLFLOW_SERVER_SERVE_ARTIFACTS=true
export _MLFLOW_SERVER_ARTIFACT_DESTINATION="$MLFLOW_ARTIFACTS_DESTINATION"
# shellcheck disable=SC2086  # several words
exec python -m uvicorn mlflow.server.fastapi_app:app "$@" $options
