# The node against the floor of the same traffic, in one run. Sourced by tools/dev.

floor_state=build/bench-floor

# Wakes up at once where that is allowed, so that others on the machine do not count as much.
bench_priority() {
    if chrt -r 1 true 2>/dev/null; then
        echo "chrt -r 1"
    fi
}

# start_bench_node DIRECTORY: a node with one worker on core 0; sets bench_pid and bench_url.
start_bench_node() {
    local state=$1 try
    rm -rf "$state"
    mkdir -p "$state"
    : >"$state/node.log"
    # shellcheck disable=SC2046
    taskset -c 0 $(bench_priority) build/release/bin/isthmus-node --dev --workers 1 --http-port 0 \
        --https-port 0 --media-port 0 --state-directory "$state/state" >"$state/node.log" 2>&1 &
    bench_pid=$!
    for ((try = 0; try < 100; try++)); do
        bench_url=$(grep -oE 'http://[^ "/]+' "$state/node.log" | head -1 || true)
        if [[ -n $bench_url ]] && curl -sf -o "$state/health" "$bench_url/healthz"; then
            return
        fi
        kill -0 "$bench_pid" 2>/dev/null || break
        sleep 0.1
    done
    cat "$state/node.log" >&2
    fail "the node did not start"
}

# json_number FILE KEY: the first number of that name.
json_number() {
    grep -oE "\"$2\":[-+0-9.eE]+" "$1" | head -1 | cut -d: -f2
}

# node_figure SHAPE REPORT: drives a node with what the floor's shape of that name sends, and prints
# packets per CPU-second of its media thread, or "invalid".
node_figure() {
    local shape=$1 report=$2 profile=gcm gro=off load
    [[ $shape == *cm-sha1* ]] && profile=cm-sha1
    [[ $shape == *-gro ]] && gro=on
    case $shape in
        small*)
            load=(--conferences 20 --publishers 1 --viewers 20 --video-only --packets-per-frame 8)
            load+=(--packet-bytes 1200)
            ;;
        audio*) load=(--publishers 3 --viewers 1000 --audio-only --watch-audio 3) ;;
        video-*)
            load=(--publishers 1 --viewers 400 --video-only)
            load+=(--packets-per-frame "$(cut -d- -f2 <<<"$shape")" --packet-bytes 1200)
            ;;
    esac
    start_bench_node "$floor_state/$shape"
    # shellcheck disable=SC2046
    $(bench_priority) build/release/bin/isthmus-load --node "$bench_url" --node-pid "$bench_pid" --cpu 1 \
        "${load[@]}" --ramp 100/s --duration 8s --gro "$gro" --srtp "$profile" --report "$report" \
        --quiet >"$floor_state/$shape/load.log" 2>&1 || true
    kill "$bench_pid"
    wait "$bench_pid" 2>/dev/null || true
    if grep -q '"valid":true' "$report" 2>/dev/null; then
        json_number "$report" busiest_thread_packets_per_cpu_s
    else
        echo invalid
    fi
}

# bench floor [PART-OF-A-NAME]
dev_bench_floor() {
    local only=${1:--} shape figure figures node
    need_packages "${packages_build[@]}" "${packages_bench[@]}"
    dev_build release
    (($(nproc) >= 2)) || fail "bench floor needs two cores: the receivers have one of their own"
    rm -rf "$floor_state"
    mkdir -p "$floor_state"
    say "Sender on core 0, receivers on core 1; a shape takes some 30 s"
    # shellcheck disable=SC2016
    local format='%-24s %14s %14s %8s\n'
    # shellcheck disable=SC2059
    printf "$format" "packets per CPU-second" floor node share
    # shellcheck disable=SC2046
    $(bench_priority) build/release/benchmarks/isthmus-floor --seconds 0.1 --only "$only" |
        awk 'NR > 1 { print $1 }' >"$floor_state/shapes"
    while read -r shape; do
        # The floor right before the node, since machines change their minds.
        # shellcheck disable=SC2046
        read -r -a figures < <(
            $(bench_priority) build/release/benchmarks/isthmus-floor --seconds 4 --only "$shape" | tail -1)
        figure=${figures[5]}
        node=$(node_figure "$shape" "$floor_state/$shape.json")
        if [[ $node == invalid ]]; then
            # shellcheck disable=SC2059
            printf "$format" "$shape" "$figure" invalid -
            continue
        fi
        awk -v shape="$shape" -v floor="$figure" -v node="$node" 'BEGIN {
            printf "%-24s %14.0f %14.0f %7.0f%%\n", shape, floor, node, 100 * node / floor }'
    done <"$floor_state/shapes"
}
