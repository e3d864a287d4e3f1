# Put load on a node. Sourced by tools/dev.

load_state=build/load

# The node's configuration: ports that the system chooses, and no limit in the load's way.
write_load_config() {
    cat >"$load_state/node.yaml" <<'YAML'
media:
  bind: ["0.0.0.0"]
  first_port: 0
  workers: 1
  advertised_addresses: ["127.0.0.1"]
  limits: {participants_per_conference: 20000, publish_bitrate_bps_max: 1000000000}
http:
  listen: ["127.0.0.1:0"]
  tls_listen: []
YAML
}

# A node on the first core, the load on the second; options go to isthmus-load. A machine with one
# core lets them share it: good for a try, not for figures.
dev_load() {
    need_packages "${packages_build[@]}"
    say "Building release"
    build_preset release isthmus-node isthmus-load
    local cores url node status=0
    cores=$(nproc)
    rm -rf "$load_state"
    mkdir -p "$load_state"
    write_load_config
    say "Starting a node on core 0"
    taskset -c 0 build/release/bin/isthmus-node --dev --config "$load_state/node.yaml" \
        --state-directory "$load_state" --log-level warning >"$load_state/node.out" &
    node=$!
    # shellcheck disable=SC2064 # the process id of now
    trap "kill $node 2>/dev/null || true" EXIT
    until url=$(grep -s -m1 -o '^http://[0-9.:]*' "$load_state/node.out"); do
        kill -0 "$node" 2>/dev/null || fail "the node did not start"
        sleep 0.1
    done
    say "Load on core $((cores > 1 ? 1 : 0)): isthmus-load --node $url $*"
    build/release/bin/isthmus-load --node "$url" --node-pid "$node" --cpu "$((cores > 1 ? 1 : 0))" \
        --report "$load_state/report.txt,$load_state/report.json,$load_state/report.html" "$@" ||
        status=$?
    kill "$node" 2>/dev/null || true
    wait "$node" || true
    trap - EXIT
    say "Also as $load_state/report.json and report.html"
    return "$status"
}
