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

# What was found, one line each, for the end of the run.
lint_findings=()

# Formatting, tidiness and shell syntax; without arguments of every file, otherwise of those given.
# Goes on after a finding, and names them all once more at the end.
dev_lint() {
    need_packages "${packages_build[@]}" "${packages_lint[@]}"
    local files=("$@") units=() formatted=() scripts=() file
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

    lint_scripts "${scripts[@]}"
    lint_format "${formatted[@]}"
    lint_tidy "${units[@]}"
    if ((${#files[@]} == 0)); then
        lint_repository
    fi
    if ((${#lint_findings[@]} > 0)); then
        say "Lint found something in ${#lint_findings[@]} places; the details are above"
        printf '%s\n' "${lint_findings[@]}"
        exit 1
    fi
    say "Lint found nothing"
}

lint_scripts() {
    local script
    say "Shell syntax of $# files"
    for script in "$@"; do
        bash -n "$script" || lint_findings+=("shell syntax: $script")
    done
}

lint_format() {
    local file
    say "Formatting of $# files"
    for file in "$@"; do
        clang-format-19 --dry-run --Werror "$file" || lint_findings+=("formatting: $file")
    done
}

# One process a file; what a file's process prints comes in one piece.
lint_tidy() {
    local unit units=() failed=()
    if ! build_preset release; then
        lint_findings+=("the release build, without which clang-tidy sees nothing")
        return
    fi
    # The fuzz targets are not part of the release build: their compile commands are the fuzz build's,
    # and so are the headers that they include of what protoc writes.
    if ! build_preset fuzz isthmus_signaling_livekit_proto; then
        lint_findings+=("the fuzz build, without which clang-tidy does not see the fuzz targets")
    fi
    for unit in "$@"; do
        if [[ -n $(build_of_unit "$unit") ]]; then
            units+=("$unit")
        fi
    done
    ((${#units[@]} > 0)) || return 0
    say "clang-tidy of ${#units[@]} files; those that were clean and have not changed are quick"
    rm -rf build/lint/failed
    build_tidy_plugin
    write_dependencies release
    write_dependencies fuzz
    printf '%s\0' "${units[@]}" | xargs -0 -n 1 -P "$(nproc)" tools/dev.d/tidy_unit
    mapfile -t failed < <(cd build/lint/failed 2>/dev/null && find . -type f -printf '%P\n' | sort)
    lint_findings+=("${failed[@]/#/clang-tidy: }")
}

# LLVM is compiled without run-time type information.
build_tidy_plugin() {
    local source=tools/dev.d/own_sources.cc plugin=build/lint/own_sources.so
    if [[ ! -f $plugin || $source -nt $plugin ]]; then
        mkdir -p build/lint
        g++-12 -std=c++20 -O1 -fPIC -shared -fno-rtti -o "$plugin" "$source" \
            -isystem /usr/lib/llvm-19/include -isystem /usr/include/llvm-19 -isystem /usr/include/llvm-c-19
    fi
}

# The build that compiles a source, or nothing: one of two alternatives may not be part of any.
build_of_unit() {
    local build
    for build in release fuzz; do
        if grep -q "/$1\"" "build/$build/compile_commands.json" 2>/dev/null; then
            echo "$build"
            return
        fi
    done
}

# For each source that a build has compiled, in build/lint/SOURCE.files: what it includes of ours.
write_dependencies() {
    ninja -C "build/$1" -t deps 2>/dev/null | awk '
        !/^ / { source = ""; next }
        { sub(/^ +/, "") }
        !/^\.\.\/\.\.\// { next }
        { sub(/^\.\.\/\.\.\//, "") }
        source == "" {
            source = "build/lint/" $0 ".files"
            folder = source
            sub(/\/[^\/]*$/, "", folder)
            if (!made[folder]++) { system("mkdir -p " folder) }
            printf "" >source
        }
        { print >>source }
    '
}

# What the repository demands of itself: includes against the module graph, sizes, headers.
lint_repository() {
    say "The repository's own rules"
    ctest --test-dir build/release --output-on-failure --no-tests=error -R '^repository\.' ||
        lint_findings+=("the repository's own rules")
}

dev_format() {
    need_packages "${packages_lint[@]}"
    sources cpp h | xargs -0 clang-format-19 -i
}
