# Start a node for development. Sourced by tools/dev.

http_port=8080

port_is_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Prints the page's address once the node whose process id is given accepts connections.
announce_page() {
    local pid=$1
    until port_is_open "$http_port"; do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    printf '\n   Open  http://127.0.0.1:%s/  to publish and watch.  Ctrl-C ends the node.\n\n' "$http_port"
}

dev_run() {
    dev_build release
    if port_is_open "$http_port"; then
        fail "something already listens on 127.0.0.1:$http_port; stop it first (is another node running?)"
    fi
    say "Starting the node; its state is in build/run"
    # The node takes this process's place, so that Ctrl-C and signals reach it and nothing else.
    (announce_page $$ &)
    exec build/release/bin/isthmus-node --dev --state-directory build/run "$@"
}
