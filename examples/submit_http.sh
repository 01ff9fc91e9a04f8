#!/bin/sh
# Submits an event with curl, and waits for its end. Needs a control plane, and an agent of that id.
#
#   examples/submit_http.sh [CONTROL_PLANE_URL] [AGENT]
#
# => completed
set -eu
url=${1:-http://127.0.0.1:8080}
agent=${2:-demo}
id="curl-$(date +%s)-$$"

curl --fail-with-body --silent --show-error "$url/v2/events" \
  --header 'Content-Type: application/json' \
  --header "Idempotency-Key: $id" \
  --data @- <<JSON
{
  "type": "k8s_resource",
  "target_agent": "$agent",
  "ttl": "10m",
  "payload": {
    "manifests": [
      "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: $id\n"
    ]
  }
}
JSON
echo

while :; do
  state=$(curl --fail --silent --show-error "$url/v2/events/$id" |
    sed -n 's/.*"state": *"\([a-z_]*\)".*/\1/p')
  case "$state" in
    completed) echo completed; exit 0 ;;
    failed | expired | cancelled) echo "$state" >&2; exit 1 ;;
  esac
  sleep 0.2
done
