# Run the benchmarks. Sourced by tools/dev.

dev_bench() {
    if [[ ${1:-} == floor ]]; then
        shift
        dev_bench_floor "$@"
        return
    elif [[ ${1:-} == peers ]]; then
        shift
        dev_bench_peers "$@"
        return
    elif [[ ${1:-} == livekit ]]; then
        shift
        dev_bench_livekit "$@"
        return
    elif [[ ${1:-} == latency ]]; then
        shift
        dev_bench_latency "$@"
        return
    fi
    local filter=${1:-.}
    dev_build release
    local program programs=() results=build/bench
    mapfile -t programs < <(find build/release -name '*_benchmarks' -type f -perm -u+x | sort)
    ((${#programs[@]} > 0)) || fail "the release build has no benchmarks"
    rm -rf "$results"
    mkdir -p "$results"
    for program in "${programs[@]}"; do
        say "Running ${program##*/}" >&2
        "$program" --benchmark_filter="$filter" --benchmark_format=csv \
            >"$results/${program##*/}.csv" || fail "${program##*/} failed"
    done
    echo
    awk -f benchmarks/table.awk "$results"/*.csv
}
