# Start a node for development, and a hub that it belongs to. Sourced by tools/dev.

run_directory=build/run
bin=build/release/bin
http_port=8080
hub_port=9443
hub_url=https://127.0.0.1:$hub_port

port_is_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# wait_for_port PORT PID: until the process listens there; fails when it ends, or after 20 s.
wait_for_port() {
    local tries
    for ((tries = 0; tries < 200; ++tries)); do
        port_is_open "$1" && return
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# Everything is started in a session of its own, so that Ctrl-C reaches this script alone, which ends them in
# order; and ends with this script, however that ends.
started=()
start() {
    setsid setpriv --pdeathsig TERM -- "$@" &
    started+=("$!")
}

hub_ctl() {
    XDG_CONFIG_HOME=$run_directory "$bin/isthmusctl" --json --ca-file "$root/$run_directory/hub/ca.crt" hub "$@"
}

# The first administrator's one-time password is changed for one that stays the same over restarts.
log_in_to_hub() {
    local once password=$run_directory/hub.password
    once=$(sed -n 's/^One-time password: *//p' "$run_directory/hub.log")
    if [[ -n $once ]]; then
        (umask 077 && head -c 15 /dev/urandom | base64 >"$password")
        printf '%s\n%s\n' "$once" "$(<"$password")"
    else
        cat "$password"
    fi | hub_ctl login --hub "$hub_url" --name admin
}

start_hub() {
    start "$bin/isthmus-hub" --data "$run_directory/hub" --listen "127.0.0.1:$hub_port" --url "$hub_url" \
        >"$run_directory/hub.log" 2>&1
    # It prints its address, and the password, when it listens.
    wait_for_port "$hub_port" "${started[-1]}" && until grep -q "^$hub_url/" "$run_directory/hub.log"; do
        sleep 0.1
    done && log_in_to_hub
}

# The node runs as it always does: its agent only tells the hub how it is, and switches its maintenance.
write_agent_configuration() {
    cat >"$run_directory/agent.yaml" <<YAML
state_directory: $root/$run_directory/agent
runtime_directory: $root/$run_directory/agent/run
node:
  supervision: nobody
  url: http://127.0.0.1:$http_port
  configuration: $root/$run_directory/node-key.yaml
connectors: {directory: $root/$run_directory/connectors}
YAML
    echo 'keys: {devkey: "devsecret-change-me-32-characters!"}' >"$run_directory/node-key.yaml"
}

# enroll_node: unless it is a node of this hub already.
enroll_node() {
    local code
    if [[ -e $run_directory/agent/identity.json ]] && ! grep -q '^One-time password' "$run_directory/hub.log"; then
        return
    fi
    hub_ctl cluster add development >/dev/null 2>&1 || true
    code=$(hub_ctl node add --cluster development | sed -n 's/.*"code":"\([^"]*\)".*/\1/p')
    "$bin/isthmus-agent" --config "$run_directory/agent.yaml" enroll "$code" --name "$(uname -n)" --replace >"$run_directory/agent.log" 2>&1
}

start_agent() {
    write_agent_configuration
    enroll_node &&
        start "$bin/isthmus-agent" --config "$run_directory/agent.yaml" run >>"$run_directory/agent.log" 2>&1
}

# A node needs neither hub nor agent: what is in their way is said, and the node runs.
start_hub_and_agent() {
    if port_is_open "$hub_port"; then
        echo "something already listens on 127.0.0.1:$hub_port: no hub is started"
    elif ! start_hub; then
        echo "the hub did not start; it says:"
        tail -n 5 "$run_directory/hub.log"
    elif ! start_agent; then
        echo "the node could not be enrolled with the hub; try: rm -r $run_directory/agent $run_directory/hub"
    else
        hub_runs=yes
    fi
}

announce() {
    if [[ ${hub_runs-} == yes ]]; then
        cat <<TEXT

   The hub is at $hub_url/ ; this node belongs to it. Log in as admin, password $(<"$run_directory/hub.password")
      XDG_CONFIG_HOME=$run_directory $bin/isthmusctl hub node list
   is logged in already. What hub and agent say is in $run_directory/hub.log and agent.log.
TEXT
    fi
    printf '\n   Open  http://127.0.0.1:%s/  to publish and watch.  Ctrl-C ends it all.\n\n' "$http_port"
}

# Politely, the newest first, and for as long as it takes; a second Ctrl-C does not wait.
stop_all() {
    trap 'kill -KILL "${started[@]}" 2>/dev/null' INT TERM
    local i
    for ((i = ${#started[@]} - 1; i >= 0; --i)); do
        kill -TERM "${started[i]}" 2>/dev/null || continue
        while kill -0 "${started[i]}" 2>/dev/null; do
            wait "${started[i]}" || true
        done
    done
}

dev_run() {
    dev_build release
    if port_is_open "$http_port"; then
        fail "something already listens on 127.0.0.1:$http_port; stop it first (is another node running?)"
    fi
    mkdir -p "$run_directory/connectors"
    local node status=0
    trap stop_all EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    say "Starting a hub and the node; their state is in $run_directory"
    start_hub_and_agent
    start "$bin/isthmus-node" --dev --state-directory "$run_directory" "$@"
    node=${started[-1]}
    if wait_for_port "$http_port" "$node"; then
        announce
    fi
    wait "$node" || status=$?
    exit "$status"
}
