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

# write_janus_configuration DIRECTORY EVENT_LOOPS: the two plugins and HTTP, nothing else. ICE-lite,
# since the client that offers in WHEP is the controlling one.
write_janus_configuration() {
    local directory=$1 loops=$2 library others=()
    for library in "$janus_libraries"/{plugins,transports,events,loggers}/*.so; do
        case ${library##*/} in
            libjanus_videoroom.so | libjanus_streaming.so | libjanus_http.so | '*.so') ;;
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
    echo 'general: { string_ids = false }' >"$directory/janus.plugin.streaming.jcfg"
}

# load_option NAME DEFAULT OPTION...: what follows --NAME among the options.
load_option() {
    local name=$1 value=$2
    shift 2
    while (($# > 1)); do
        [[ $1 == "--$name" ]] && value=$2
        shift
    done
    echo "$value"
}

# start_janus DIRECTORY EVENT_LOOPS GATEWAY-OPTION...: on core 0; sets bench_pid, bench_gateway_pid and
# bench_url.
start_janus() {
    local directory=$1 loops=$2 try
    shift 2
    port_is_open "$janus_http_port" && fail "something listens on 127.0.0.1:$janus_http_port already"
    mkdir -p "$directory"
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
    # On the clients' core: it feeds the streaming plugin, which must not wait for the server.
    # shellcheck disable=SC2046
    taskset -c 1 $(bench_priority) nodejs benchmarks/peers/janus_gateway.js \
        --host "$(hostname -I | cut -d' ' -f1)" --janus "http://127.0.0.1:$janus_http_port/janus" "$@" \
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

stop_peer() {
    kill "$@"
    wait "$@" 2>/dev/null || true
}

# measure_peer NAME REPORT LOAD-OPTION...: one row of the table; adds what the server carried to
# bench_figures, by the report's name.
measure_peer() {
    local name=$1 report=$2
    shift 2
    # shellcheck disable=SC2046
    $(bench_priority) build/release/bin/isthmus-load --node "$bench_url" --node-pid "$bench_pid" --cpu 1 \
        "$@" --report "$report" --quiet >"${report%.json}.log" 2>&1 || true
    if [[ ! -s $report ]]; then
        printf '%-28s failed: see %s\n' "$name" "${report%.json}.log"
        return
    fi
    local valid="" figure
    grep -q '"valid":true' "$report" || valid=" (invalid: ${report%.json}.log)"
    figure=$(json_number "$report" packets_per_cpu_s)
    [[ -n $valid ]] || bench_figures[$(basename "$report" .json)]=$figure
    awk -v name="$name" -v cpu="$figure" -v memory="$(json_number "$report" rss_per_viewer_bytes)" \
        -v p50="$(latency_of "$report" p50)" -v p99="$(latency_of "$report" p99)" \
        -v receiving="$(json_number "$report" receiving)" -v valid="$valid" 'BEGIN {
            printf "%-28s %9d %14.0f %12.1f %9.2f %9.2f%s\n", name, receiving, cpu, memory / 1024, p50, p99, valid }'
}

# latency_of REPORT PERCENTILE [audio]: end to end of video, or of audio where asked for or where there
# is no video. ms.
latency_of() {
    local video audio
    video=$(grep -oE '"latency_ms":\{"video":\{[^}]*\}' "$1" | grep -oE "\"$2\":[-+0-9.eE]+" | cut -d: -f2)
    audio=$(grep -oE '"audio":\{"samples"[^}]*\}' "$1" | grep -oE "\"$2\":[-+0-9.eE]+" | cut -d: -f2)
    awk -v video="$video" -v audio="$audio" -v which="${3:-}" \
        'BEGIN { print (video > 0 && which != "audio" ? video : audio) }'
}

measure_janus() {
    local plugin=$1 loops state
    shift
    for loops in 0 1; do
        state="$peers_state/janus-$plugin-$loops"
        if [[ $plugin == streaming ]]; then
            start_janus "$state" "$loops" --plugin streaming \
                --packets-per-frame "$(load_option packets-per-frame 8 "$@")" \
                --packet-bytes "$(load_option packet-bytes 1200 "$@")" --fps "$(load_option fps 30 "$@")"
        else
            start_janus "$state" "$loops"
        fi
        measure_peer "janus $plugin, event_loops $loops" "$state.json" "$@"
        stop_peer "$bench_gateway_pid" "$bench_pid"
    done
}

# The streaming plugin has no publishers: its mountpoint is fed with frames of noise.
measure_janus_streaming() {
    local load=() i
    if [[ " $* " != *" --video-only "* || $(load_option packets-per-frame 0 "$@") == 0 ]]; then
        echo "janus streaming is fed with frames of noise: not measured without --video-only and --packets-per-frame"
        return
    fi
    for ((i = 1; i <= $#; i++)); do
        if [[ ${!i} == --publishers ]]; then
            i=$((i + 1))
        else
            load+=("${!i}")
        fi
    done
    measure_janus streaming "${load[@]}" --publishers 0
}

# quote_ratio PLUGIN: the node against the better of the two.
quote_ratio() {
    local best loops
    [[ -n ${bench_figures[isthmus-node]:-} ]] || return 0
    best=$(for loops in 0 1; do
        echo "${bench_figures[janus-$1-$loops]:-0} $loops"
    done | sort -rg | head -1) # figures may be written as 1.1e+05
    awk -v node="${bench_figures[isthmus-node]}" -v best="$best" -v plugin="$1" 'BEGIN {
        split(best, part, " ")
        if (part[1] > 0) {
            printf "the node carries %.1f times the packets per CPU-second of janus %s at its better (event_loops %d)\n",
                node / part[1], plugin, part[2] } }'
}

# What an independent library's viewers and isthmus-load's see of the same publisher in the same
# conference at the same time.
cross_check() {
    local viewers=50 node load_pid report="$peers_state/cross-check.json" independent="$peers_state/independent.json"
    node=$(npm_node benchmarks/peers)
    say "The same conference seen by isthmus-load and by npm's node-datachannel, $viewers viewers each"
    start_bench_node "$peers_state/cross-check"
    # shellcheck disable=SC2046
    $(bench_priority) build/release/bin/isthmus-load --node "$bench_url" --node-pid "$bench_pid" --cpu 1 \
        --publishers 1 --viewers "$viewers" --video-only --packets-per-frame 8 --ramp 25/s --duration 20s \
        --report "$report" --quiet >"$peers_state/cross-check.log" 2>&1 &
    load_pid=$!
    sleep 5
    "$node" benchmarks/peers/independent_viewers.js --node "$bench_url" --conference load \
        --viewers "$viewers" --joins-per-second 25 --seconds 8 >"$independent" || true
    wait "$load_pid" || true
    stop_peer "$bench_pid"
    if [[ ! -s $report || ! -s $independent ]]; then
        echo "failed: see $peers_state/cross-check.log"
        return
    fi
    printf '%-28s %9s %16s %16s %9s %9s %9s\n' "" receiving "packets/viewer/s" "frames/viewer/s" "lost %" "p50 ms" "p99 ms"
    awk -v receiving="$(json_number "$report" receiving)" -v seconds="$(json_number "$report" measured_s)" \
        -v packets="$(json_number "$report" media_packets)" -v frames="$(json_number "$report" frames)" \
        -v lost="$(json_number "$report" loss_ratio)" \
        -v p50="$(latency_of "$report" p50)" -v p99="$(latency_of "$report" p99)" 'BEGIN {
            each = seconds * receiving
            printf "%-28s %9d %16.2f %16.2f %9.4f %9.2f %9.2f\n",
                "isthmus-load", receiving, packets / each, frames / each, lost * 100, p50, p99 }'
    awk -v name="$(grep -oE 'libdatachannel [0-9.]+' "$independent")" \
        -v receiving="$(json_number "$independent" connected)" \
        -v packets="$(json_number "$independent" packets_per_viewer_s)" \
        -v frames="$(json_number "$independent" frames_per_viewer_s)" \
        -v lost="$(json_number "$independent" loss_ratio)" \
        -v p50="$(json_number "$independent" p50_ms)" -v p99="$(json_number "$independent" p99_ms)" 'BEGIN {
            printf "%-28s %9d %16.2f %16.2f %9.4f %9.2f %9.2f\n", name, receiving, packets, frames, lost * 100, p50, p99 }'
}

# bench peers [LOAD-OPTION...]; without options: frames of eight packets to 200 viewers.
dev_bench_peers() {
    local load=("$@")
    local -A bench_figures=()
    if ((${#load[@]} == 0)); then
        load=(--publishers 1 --viewers 200 --video-only --packets-per-frame 8 --ramp 25/s)
        load+=(--duration 10s --srtp gcm --gro off --socket-each)
    fi
    need_packages "${packages_build[@]}" "${packages_bench[@]}"
    need_janus
    need_npm_modules benchmarks/peers
    build_preset release isthmus-node isthmus-load
    (($(nproc) >= 2)) || fail "bench peers needs two cores: the clients have one of their own"
    rm -rf "$peers_state"
    mkdir -p "$peers_state"
    say "The server on core 0, isthmus-load on core 1: ${load[*]}"
    printf '%-28s %9s %14s %12s %9s %9s\n' "" receiving "packets/CPU-s" KiB/viewer "p50 ms" "p99 ms"
    start_bench_node "$peers_state/node"
    measure_peer isthmus-node "$peers_state/isthmus-node.json" "${load[@]}"
    stop_peer "$bench_pid"
    measure_janus videoroom "${load[@]}"
    measure_janus_streaming "${load[@]}"
    quote_ratio videoroom
    quote_ratio streaming
    cross_check
}
