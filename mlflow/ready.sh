#!/usr/bin/env bash
# Exits 0 when MLflow answers from its database: one API call, without the time that a Python or curl would take.
set -euo pipefail

body='{"max_results":1}'
exec 3<>/dev/tcp/127.0.0.1/5002
printf '%s\r\n' 'POST /api/2.0/mlflow/experiments/search HTTP/1.0' 'Host: mlflow:5002' \
  'Content-Type: application/json' "Content-Length: ${#body}" '' >&3
printf '%s' "$body" >&3
read -r -t 5 _ status _ <&3
[ "$status" = 200 ]
