#!/usr/bin/env bash
# Clients that others made against our Management API: the official `supabase`, the official MCP server
# and a library. They list, create, inspect and delete projects, and the API finds nothing that its
# document does not allow.
set -euo pipefail
cd "$(dirname "$0")/.."

clients=$PWD/target/supabase-clients
wanted='supabase@3.1.0 @supabase/mcp-server-supabase@0.13.0 @dyad-sh/supabase-management-js@1.0.1'
if ! grep -qsxF "$wanted" "$clients/installed"; then
    # shellcheck disable=SC2086
    npm install --silent --no-audit --no-fund --prefix "$clients" $wanted
    echo "$wanted" >"$clients/installed"
fi
cargo build --locked --quiet --example management-api

work=$(mktemp -d)
trap 'kill "${api:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
target/debug/examples/management-api --port 0 >"$work/env" &
api=$!
# It prints its address once it serves.
for _ in $(seq 600); do
    if grep -q PLACEMENT "$work/env" || ! kill -0 "$api" 2>/dev/null; then break; fi
    sleep 0.1
done
# shellcheck source=/dev/null
source "$work/env"
url=$TENANTCTL_MANAGEMENT_API_URL
printf 'name: ours\napi_url: %s\ndashboard_url: %s\ndocs_url: %s\nproject_host: localhost\n' \
    "$url" "$url" "$url" >"$work/profile.yaml"
export SUPABASE_ACCESS_TOKEN SUPABASE_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1 HOME="$work"

run() { # run ARGUMENTS…: the client, its words shown and kept
    echo "\$ supabase $*"
    # It leaves files where it stands.
    (cd "$work" && timeout 60 "$clients/node_modules/.bin/supabase" --profile profile.yaml "$@") \
        </dev/null 2>&1 | tee "$work/said"
}
said() { # said TEXT: fails unless the client said it
    grep -qF -- "$1" "$work/said" || { echo "the client did not say: $1" >&2; exit 1; }
}
ask() { curl -sf -H "Authorization: Bearer $SUPABASE_ACCESS_TOKEN" "$url$1"; }

run orgs list
said "$TENANTCTL_ORGANIZATION"
run projects create cli-made --org-id "$TENANTCTL_ORGANIZATION" --db-password secret-123 \
    --region eu-central-1 --yes
run projects list
said cli-made
reference=$(ask /v1/projects | sed -E 's/.*"ref": ?"([a-z]{20})".*/\1/')
# It comes up before its keys can be asked for.
for _ in $(seq 100); do
    if ask "/v1/projects/$reference" | grep -q ACTIVE_HEALTHY; then break; fi
    sleep 0.1
done
run projects api-keys --remote="$reference"
said service_role
run network-restrictions get --remote="$reference" --experimental
said 0.0.0.0/0
run network-restrictions update --remote="$reference" --experimental --append \
    --db-allow-cidr 203.0.113.0/24 --yes
run network-restrictions get --remote="$reference" --experimental
said 203.0.113.0/24
run projects delete "$reference" --yes
run projects list
if grep -qF cli-made "$work/said"; then
    echo "the project is still listed" >&2
    exit 1
fi
CLIENTS=$clients timeout 120 node tests/supabase-clients.mjs
if curl -sf "$url/_fake/journal" | grep -q '"status":400'; then
    echo "the document refuses something that they asked" >&2
    exit 1
fi
violations=$(curl -sf "$url/_fake/violations")
[ "$violations" = "[]" ] || { echo "against the document: $violations" >&2; exit 1; }
echo "$wanted: nothing against the document"
