# What the node adds to the time that a packet takes, while it is half busy. Sourced by tools/dev.

latency_state=build/bench-latency
latency_viewers=20 # of each conference

# latency_run NAME CONFERENCES LOAD-OPTION...: drives a node with so many conferences of one publisher.
latency_run() {
    local name=$1 conferences=$2
    shift 2
    start_bench_node "$latency_state/$name"
    # Nothing gathers before it is read: that would be added.
    # shellcheck disable=SC2046
    $(bench_priority) build/release/bin/isthmus-load --node "$bench_url" --node-pid "$bench_pid" --cpu 1 \
        --conferences "$conferences" --publishers 1 --viewers "$latency_viewers" --packets-per-frame 8 \
        --gro on --srtp gcm --gather-us 0 --ramp 100/s --duration 10s "$@" \
        --report "$latency_state/$name.json" --quiet >"$latency_state/$name.log" 2>&1 || true
    kill "$bench_pid"
    wait "$bench_pid" 2>/dev/null || true
    [[ -s $latency_state/$name.json ]] || fail "isthmus-load failed: see $latency_state/$name.log"
}

# busiest_share REPORT: how busy the node's busiest thread was while it was measured, 0 to 1.
busiest_share() {
    awk -v packets="$(json_number "$1" packets)" -v per_cpu_s="$(json_number "$1" busiest_thread_packets_per_cpu_s)" \
        -v seconds="$(json_number "$1" measured_s)" 'BEGIN { print packets / per_cpu_s / seconds }'
}

latency_row() {
    printf '%-44s %9s %9s %9.2f %9.2f%s\n' "$@"
}

# bench latency [LOAD-OPTION...]
dev_bench_latency() {
    local report=$latency_state/half.json floor conferences=15 share valid="" try
    need_packages "${packages_build[@]}" "${packages_bench[@]}"
    build_preset release isthmus-node isthmus-load isthmus-floor
    (($(nproc) >= 2)) || fail "bench latency needs two cores: the clients have one of their own"
    rm -rf "$latency_state"
    mkdir -p "$latency_state"
    say "Half of what the node carries: conferences of a publisher (Opus, frames of 8 packets) and $latency_viewers viewers"
    # A node that is busier pays less for each packet: what is half shows when it is tried.
    for ((try = 1; try <= 3; try++)); do
        latency_run half "$conferences" "$@"
        share=$(busiest_share "$report")
        printf '%d conferences keep its worker busy for %.0f %% of the time\n' "$conferences" "$(awk "BEGIN { print 100 * $share }")"
        awk "BEGIN { exit !($share < 0.45 || $share > 0.55) }" || break
        ((try == 3)) ||
            conferences=$(awk "BEGIN { n = int($conferences * 0.5 / $share + 0.5); print (n > 0 ? n : 1) }")
    done
    # shellcheck disable=SC2046
    read -r -a floor < <($(bench_priority) build/release/benchmarks/isthmus-floor --seconds 4 --only small-gcm-gro | tail -1)
    grep -q '"valid":true' "$report" || valid=" (invalid: $latency_state/half.log)"
    share=$(awk "BEGIN { printf \"%.0f %%\", 100 * $share }")
    printf '%-44s %9s %9s %9s %9s\n' "from publisher to viewer" viewers "node busy" "p50 ms" "p99 ms"
    latency_row "node, each audio packet" "$(json_number "$report" receiving)" "$share" \
        "$(latency_of "$report" p50 audio)" "$(latency_of "$report" p99 audio)" "$valid"
    latency_row "node, whole video frames, paced" "$(json_number "$report" receiving)" "$share" \
        "$(latency_of "$report" p50)" "$(latency_of "$report" p99)" "$valid"
    latency_row "no node: encrypt, send, receive, authenticate" "$latency_viewers" - "${floor[6]}" "${floor[7]}" ""
}
