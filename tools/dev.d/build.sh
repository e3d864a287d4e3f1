# Configure and build. Sourced by tools/dev.

# build_preset PRESET [TARGET...]
build_preset() {
    local preset=$1
    shift
    mkdir -p build
    # Configuring anew is quick, and the list of fuzz targets or tests may have changed.
    if ! cmake --preset "$preset" >"build/$preset-configure.log" 2>&1; then
        cat "build/$preset-configure.log" >&2
        fail "configuring the preset '$preset' failed"
    fi
    cmake --build "build/$preset" --parallel "$(nproc)" -- "$@"
}

dev_build() {
    local preset=${1:-release}
    case $preset in
        release | debug | asan | tsan) ;;
        fuzz) need_packages "${packages_fuzz[@]}" ;;
        *) fail "no such preset: $preset (release, debug, asan, tsan or fuzz)" ;;
    esac
    need_packages "${packages_build[@]}"
    need_npm_modules tools/meet
    say "Building $preset"
    if [[ $preset == fuzz ]]; then
        build_preset fuzz fuzz_targets # and of the rest only what they need
    else
        build_preset "$preset"
    fi
}
