# The node and Janus with the same load, in one run. Sourced by tools/dev.

peers_state=build/bench-peers
janus_http_port=18388
janus_libraries=/usr/lib/$(uname -m)-linux-gnu/janus

# The package starts a server on the machine; masking the unit first prevents that.
need_janus() {
    if [[ -n $(missing_packages janus) && $EUID == 0 && -d /run/systemd/system ]]; then
        systemctl mask --quiet janus.service
    fi
    need_packages "${packages_peers[@]}"
}

# write_janus_configuration DIRECTORY EVENT_LOOPS: the video room and HTTP, nothing else. ICE-lite,
# since the client that offers in WHEP is the controlling one.
write_janus_configuration() {
    local directory=$1 loops=$2 library others=()
    for library in "$janus_libraries"/{plugins,transports,events,loggers}/*.so; do
        case ${library##*/} in
            libjanus_videoroom.so | libjanus_http.so | '*.so') ;;
            *) others+=("${library##*/}") ;;
        esac
    done
    local disable
    disable=$(IFS=, && echo "${others[*]}")
    mkdir -p "$directory"
    cat >"$directory/janus.jcfg" <<CONFIGURATION
general: {
    configs_folder = "$directory"
    debug_level = 2
    event_loops = $loops
    server_name = "bench"
}
media: { rtp_port_range = "20000-40000" }
nat: { ice_lite = true, nice_debug = false }
plugins: { disable = "$disable" }
transports: { disable = "$disable" }
loggers: { disable = "$disable" }
events: { broadcast = false }
CONFIGURATION
    cat >"$directory/janus.transport.http.jcfg" <<CONFIGURATION
general: {
    json = "compact"
    base_path = "/janus"
    http = true
    ip = "127.0.0.1"
    port = $janus_http_port
    https = false
}
admin: { admin_http = false }
CONFIGURATION
    echo 'general: { string_ids = false }' >"$directory/janus.plugin.videoroom.jcfg"
}

# start_janus DIRECTORY EVENT_LOOPS: on core 0; sets bench_pid, bench_gateway_pid and bench_url.
start_janus() {
    local directory=$1 loops=$2 try
    port_is_open "$janus_http_port" && fail "something listens on 127.0.0.1:$janus_http_port already"
    write_janus_configuration "$PWD/$directory" "$loops"
    # shellcheck disable=SC2046
    taskset -c 0 $(bench_priority) janus -F "$PWD/$directory" -C "$PWD/$directory/janus.jcfg" \
        >"$directory/janus.log" 2>&1 &
    bench_pid=$!
    for ((try = 0; try < 100; try++)); do
        port_is_open "$janus_http_port" && break
        kill -0 "$bench_pid" 2>/dev/null || break
        sleep 0.1
    done
    : >"$directory/gateway.log"
    nodejs benchmarks/peers/janus_gateway.js --host "$(hostname -I | cut -d' ' -f1)" --janus "http://127.0.0.1:$janus_http_port/janus" \
        >"$directory/gateway.log" 2>&1 &
    bench_gateway_pid=$!
    for ((try = 0; try < 50; try++)); do
        bench_url=$(grep -oE '^http://[^ ]+' "$directory/gateway.log" || true)
        [[ -z $bench_url ]] || return 0
        sleep 0.1
    done
    cat "$directory/janus.log" "$directory/gateway.log" >&2
    fail "Janus did not start"
}

# measure_peer NAME REPORT LOAD-OPTION...: one row of the table.
measure_peer() {
    local name=$1 report=$2
    shift 2
    # shellcheck disable=SC2046
    $(bench_priority) build/release/bin/isthmus-load --node "$bench_url" --node-pid "$bench_pid" --cpu 1 \
        "$@" --report "$report" --quiet >"${report%.json}.log" 2>&1 || true
    if [[ ! -s $report ]]; then
        printf '%-26s failed: see %s\n' "$name" "${report%.json}.log"
        return
    fi
    local valid=""
    grep -q '"valid":true' "$report" || valid=" (invalid: ${report%.json}.log)"
    awk -v name="$name" -v cpu="$(json_number "$report" packets_per_cpu_s)" \
        -v memory="$(json_number "$report" rss_per_viewer_bytes)" \
        -v p50="$(latency_of "$report" p50)" -v p99="$(latency_of "$report" p99)" \
        -v receiving="$(json_number "$report" receiving)" -v valid="$valid" 'BEGIN {
            printf "%-26s %9d %14.0f %12.1f %9.2f %9.2f%s\n", name, receiving, cpu, memory / 1024, p50, p99, valid }'
}

# latency_of REPORT PERCENTILE: end to end of video, or of audio where there is no video. ms.
latency_of() {
    local video audio
    video=$(grep -oE '"latency_ms":\{"video":\{[^}]*\}' "$1" | grep -oE "\"$2\":[-+0-9.eE]+" | cut -d: -f2)
    audio=$(grep -oE '"audio":\{"samples"[^}]*\}' "$1" | grep -oE "\"$2\":[-+0-9.eE]+" | cut -d: -f2)
    awk -v video="$video" -v audio="$audio" 'BEGIN { print (video > 0 ? video : audio) }'
}

# bench peers [LOAD-OPTION...]; without options: frames of eight packets to 200 viewers.
dev_bench_peers() {
    local load=("$@") loops
    if ((${#load[@]} == 0)); then
        load=(--publishers 1 --viewers 200 --video-only --packets-per-frame 8 --ramp 25/s)
        load+=(--duration 10s --srtp gcm --gro off --socket-each)
    fi
    need_packages "${packages_build[@]}" "${packages_bench[@]}"
    need_janus
    dev_build release
    (($(nproc) >= 2)) || fail "bench peers needs two cores: the clients have one of their own"
    rm -rf "$peers_state"
    mkdir -p "$peers_state"
    say "The server on core 0, isthmus-load on core 1: ${load[*]}"
    printf '%-26s %9s %14s %12s %9s %9s\n' "" receiving "packets/CPU-s" KiB/viewer "p50 ms" "p99 ms"
    start_bench_node "$peers_state/node"
    measure_peer isthmus-node "$peers_state/isthmus-node.json" "${load[@]}"
    kill "$bench_pid"
    wait "$bench_pid" 2>/dev/null || true
    for loops in 0 1; do
        mkdir -p "$peers_state/janus-$loops"
        start_janus "$peers_state/janus-$loops" "$loops"
        measure_peer "janus, event_loops $loops" "$peers_state/janus-$loops.json" "${load[@]}"
        kill "$bench_gateway_pid" "$bench_pid"
        wait "$bench_gateway_pid" "$bench_pid" 2>/dev/null || true
    done
}
