# Tests of every kind. Sourced by tools/dev.

# Everything that tests/ registers with ctest in the release build, so that ctest's closing line
# speaks for all of it: unit and scenario tests, tests/fuzz, the smoke tests of tests/e2e.
dev_test() {
    local preset=${1:-release}
    need_postgresql
    need_nats_server
    if [[ $preset != release ]]; then
        dev_build "$preset"
        run_ctest "$preset" --label-regex unit
        return
    fi
    need_packages "${packages_build[@]}" "${packages_fuzz[@]}" "${packages_e2e[@]}"
    need_npm_modules tests/e2e
    dev_build release
    dev_build fuzz
    say "Running the tests"
    run_ctest release
}

run_ctest() {
    local preset=$1
    shift
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --no-label-summary \
        --parallel "$(nproc)" "$@"
}

dev_fuzz() {
    local seconds=${1:-60}
    [[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "fuzz wants a number of seconds, not '$seconds'"
    dev_build fuzz
    local program name failed=()
    for program in build/fuzz/fuzz/fuzz_*; do
        [[ -x $program ]] || fail "the fuzz build has no targets"
        name=${program##*/fuzz_}
        say "Fuzzing $name for $seconds s"
        tests/fuzz/run_target "$name" "$seconds" || failed+=("$name")
    done
    ((${#failed[@]} == 0)) || fail "failed: ${failed[*]}; the inputs are in build/fuzz/artifacts"
}

dev_e2e() {
    need_packages "${packages_e2e[@]}"
    need_turn_server
    need_control_peers
    need_postgresql
    need_nats_server
    need_npm_modules tests/e2e
    dev_build release
    say "Running the tests with real clients"
    tests/e2e/run "$@"
}
