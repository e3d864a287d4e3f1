# Rooms of LiveKit clients, as LiveKit's own table has them, smaller. Sourced by tools/dev.

livekit_state=build/bench-livekit

# livekit_run NAME LOAD-OPTION...: a fresh node and its report; without one it says where to look.
livekit_run() {
    local name=$1
    shift
    start_bench_node "$livekit_state/$name"
    # shellcheck disable=SC2046
    $(bench_priority) build/release/bin/isthmus-load --node "$bench_url" --node-pid "$bench_pid" --cpu 1 \
        --livekit "$@" --report "$livekit_state/$name.json" --quiet >"$livekit_state/$name.log" 2>&1 || true
    kill "$bench_pid"
    wait "$bench_pid" 2>/dev/null || true
    [[ -s $livekit_state/$name.json ]] || echo "$name failed: see $livekit_state/$name.log"
}

# livekit_media NAME LOAD-OPTION...: a row of packets per CPU-second.
livekit_media() {
    local name=$1 report="$livekit_state/$1.json" valid=""
    livekit_run "$@"
    [[ -s $report ]] || return 0
    grep -q '"valid":true' "$report" || valid=" (invalid: $livekit_state/$name.log)"
    printf '%-28s %9d %9d %14.0f %9.2f%s\n' "$name" "$(json_number "$report" receiving)" \
        "$(json_number "$report" tracks)" "$(json_number "$report" packets_per_cpu_s)" \
        "$(latency_of "$report" p99)" "$valid"
}

# livekit_joins NAME LOAD-OPTION...: a row of joins per CPU-second, a trickle of media included.
livekit_joins() {
    local name=$1 report="$livekit_state/$1.json"
    livekit_run "$@" --video-only --packets-per-frame 1 --fps 1 --duration 1s
    [[ -s $report ]] || return 0
    printf '%-28s %9d %14.0f\n' "$name" "$(json_number "$report" joined)" "$(json_number "$report" joins_per_cpu_s)"
}

# bench livekit
dev_bench_livekit() {
    local size
    need_packages "${packages_build[@]}" "${packages_bench[@]}"
    build_preset release isthmus-node isthmus-load
    (($(nproc) >= 2)) || fail "bench livekit needs two cores: the clients have one of their own"
    rm -rf "$livekit_state"
    mkdir -p "$livekit_state"
    printf '%-28s %9s %9s %14s %9s\n' "media" receiving tracks "packets/CPU-s" "p99 ms"
    livekit_media 10-speakers-500-listeners --publishers 10 --viewers 500 --audio-only --talk-spurts --ramp 50/s --duration 10s
    livekit_media everybody-20 --publishers 20 --viewers 0 --simulcast --talk-spurts --duration 10s
    livekit_media 1-publisher-400-viewers --publishers 1 --viewers 400 --ramp 50/s --duration 10s
    printf '%-28s %9s %14s\n' "joins" joined "joins/CPU-s"
    livekit_joins small-rooms --publishers 1 --viewers 4 --conferences 40 --ramp 50/s
    for size in 100 300 900; do
        livekit_joins "room-of-$size" --publishers 3 --viewers "$size" --ramp 50/s
    done
}
