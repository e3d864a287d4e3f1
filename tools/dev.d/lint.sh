# Formatting and static analysis of our own files. Sourced by tools/dev.

first_party=(base media signaling cascade control-agent tools benchmarks tests)

# sources [EXTENSION...]: our files with one of these extensions, NUL between them.
sources() {
    local pattern
    pattern=$(IFS='|' && echo "$*")
    find "${first_party[@]}" -name node_modules -prune -o -name output -prune -o \
        -type f -regextype posix-extended -regex ".*\.($pattern)" -print0 2>/dev/null | sort -z
}

shell_scripts() {
    grep -rlIE --null --exclude-dir=node_modules '^#!.*bash' tools tests .ci
    find tools/dev.d -name '*.sh' -print0
}

# Formatting, tidiness and shell syntax; without arguments of every file, otherwise of those given.
dev_lint() {
    need_packages "${packages_build[@]}" "${packages_lint[@]}"
    local files=("$@") units=() formatted=() scripts=() file failed=0
    if ((${#files[@]} == 0)); then
        mapfile -d '' -t formatted < <(sources cpp h)
        mapfile -d '' -t units < <(sources cpp)
        mapfile -d '' -t scripts < <(shell_scripts)
    fi
    for file in "${files[@]}"; do
        [[ -f $file ]] || fail "no such file: $file"
        case $file in
            *.cpp) formatted+=("$file") units+=("$file") ;;
            *.h) formatted+=("$file") ;;
            *) scripts+=("$file") ;;
        esac
    done

    lint_scripts "${scripts[@]}" || failed=1
    lint_format "${formatted[@]}" || failed=1
    lint_tidy "${units[@]}" || failed=1
    if ((${#files[@]} == 0)); then
        lint_repository || failed=1
    fi
    ((failed == 0)) || fail "lint found something; see above"
    say "Lint found nothing"
}

lint_scripts() {
    local script status=0
    say "Shell syntax of $# files"
    for script in "$@"; do
        bash -n "$script" || status=1
    done
    return "$status"
}

lint_format() {
    (($# > 0)) || return 0
    say "Formatting of $# files"
    clang-format-19 --dry-run --Werror "$@"
}

# Fuzz targets are not part of the release build, so its compile commands do not know them.
lint_tidy() {
    local unit units=()
    build_preset release
    for unit in "$@"; do
        if grep -q "/$unit\"" build/release/compile_commands.json; then
            units+=("$unit")
        fi
    done
    ((${#units[@]} > 0)) || return 0
    say "clang-tidy of ${#units[@]} files"
    printf '%s\0' "${units[@]}" |
        xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p build/release --quiet --extra-arg=-Wno-unknown-warning-option 2> >(grep -vE '^[0-9]+ warnings? (generated|treated)' >&2)
}

# What the repository demands of itself: includes against the module graph, sizes, headers.
lint_repository() {
    say "The repository's own rules"
    ctest --test-dir build/release --output-on-failure --no-tests=error -R '^repository\.'
}

dev_format() {
    need_packages "${packages_lint[@]}"
    sources cpp h | xargs -0 clang-format-19 -i
}
