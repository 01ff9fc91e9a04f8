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

# The stream sends what happened so far, then each change; it is closed after the last one here.
curl --fail --silent --no-buffer --max-time 60 "$url/v2/stream?event=$id" |
  sed -n 's/^data: .*"state":"\([a-z_]*\)".*/\1/p' |
  while read -r state; do
    case "$state" in
      completed) echo completed; break ;;
      failed | expired | cancelled) echo "$state" >&2; exit 1 ;;
    esac
  done
