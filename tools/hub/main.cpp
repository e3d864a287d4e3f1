// isthmus-hub: the control cloud, for one machine or several.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/log.h"
#include "tools/hub/backup.h"
#include "tools/hub/hub.h"
#include "tools/hub/hub_options.h"
#include "tools/hub/nats/nats_bus.h"

namespace isthmus::hub {
namespace {

constexpr int kExitStart = 1;
constexpr int kExitUsage = 2;

struct CommandLine {
    HubOptions options;
    NatsOptions nats;
    std::vector<std::string> listen = {"0.0.0.0:443"};
    std::vector<std::string> metrics_listen;
    std::string log_level = "info";
    std::string backup_file;
    std::string restore_file;
    std::string passphrase_file;
    bool version = false;
};

void add_options(CLI::App& app, CommandLine& line) {
    app.add_option("--data", line.options.data, "Directory for keys and the SQLite database");
    app.add_option("--listen", line.listen, "HTTPS on ADDRESS:PORT; port 0: any")
        ->capture_default_str();
    app.add_option("--database", line.options.database, "postgresql://..., instead of SQLite")
        ->envname("ISTHMUS_HUB_DATABASE");
    app.add_option("--url", line.options.url, "https://... where nodes reach this hub");
    app.add_option("--name", line.options.names, "One more name for the HTTPS certificate");
    app.add_option("--tls-certificate", line.options.tls_certificate, "PEM, instead of our own");
    app.add_option("--tls-key", line.options.tls_key, "Its key");
    app.add_option("--metrics-listen", line.metrics_listen, "Plain HTTP for /metrics");
    app.add_option("--outbound-proxy",
                   line.options.outbound_proxy,
                   "http://[user:password@]host[:port], for calls to identity providers")
        ->envname("ISTHMUS_HUB_OUTBOUND_PROXY");
    app.add_option("--outbound-authorities",
                   line.options.outbound_authorities,
                   "PEM of authorities that sign identity providers' certificates, beside the "
                   "machine's own");
    app.add_option("--connections", line.options.connections, "Most connections at once")
        ->check(CLI::Range(16U, 1'000'000U));
    app.add_option("--connections-per-address",
                   line.options.connections_per_address,
                   "Most of one address that are no channels yet")
        ->check(CLI::Range(1U, 1'000'000U));
    app.add_option("--heartbeat", line.options.heartbeat_s, "Seconds between heartbeats of nodes")
        ->check(CLI::Range(1, 600));
    app.add_option("--events-days", line.options.events.days, "How long what nodes report is kept")
        ->check(CLI::Range(1, 36'500))
        ->capture_default_str();
    app.add_option("--events-max",
                   line.options.events.entries,
                   "How much of it is kept of one organisation; then the oldest goes")
        ->check(CLI::Range(std::int64_t{1000}, std::int64_t{10'000'000'000}))
        ->capture_default_str();
    app.add_option("--log-level", line.log_level, "debug, info, warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    app.add_flag("--version", line.version, "Print the version");
    app.add_option(
        "--passphrase-file", line.passphrase_file, "Its first line seals a backup's master key");
    app.fallthrough();
    app.add_subcommand("backup", "Write the whole hub into one file; it may go on running")
        ->add_option("file", line.backup_file, "Where to")
        ->required();
    app.add_subcommand("restore", "Make a hub of such a file, on an empty machine")
        ->add_option("file", line.restore_file, "Where from")
        ->required();
}

// Several hubs on one PostgreSQL.
void add_nats_options(CLI::App& app, NatsOptions& nats) {
    app.add_option("--nats", nats.servers, "nats://... or tls://..., those of one NATS cluster")
        ->delimiter(',')
        ->envname("ISTHMUS_HUB_NATS");
    app.add_option("--nats-user", nats.user, "User, where the addresses name none")
        ->envname("ISTHMUS_HUB_NATS_USER");
    app.add_option("--nats-password", nats.password, "Its password, better by the environment")
        ->envname("ISTHMUS_HUB_NATS_PASSWORD");
    app.add_option("--nats-credentials", nats.credentials, "File with a user's JWT and seed")
        ->envname("ISTHMUS_HUB_NATS_CREDENTIALS");
    app.add_option("--nats-nkey", nats.nkey, "File with a user's seed")
        ->envname("ISTHMUS_HUB_NATS_NKEY");
    app.add_option("--nats-ca", nats.ca, "PEM that NATS's certificates are checked with");
    app.add_option("--nats-certificate", nats.certificate, "PEM, where NATS wants ours");
    app.add_option("--nats-key", nats.key, "Its key");
    app.add_option("--nats-subject", nats.subject, "The same on all instances of one hub")
        ->capture_default_str();
}

int keep_or_bring_back(const CommandLine& line) {
    BackupPlace place{
        .data = line.options.data, .database = line.options.database, .passphrase = {}};
    if (!line.passphrase_file.empty()) {
        std::ifstream in(line.passphrase_file);
        if (!std::getline(in, place.passphrase) || place.passphrase.empty()) {
            std::fprintf(
                stderr, "isthmus-hub: %s holds no passphrase\n", line.passphrase_file.c_str());
            return kExitUsage;
        }
    }
    const bool keep = !line.backup_file.empty();
    const auto done = keep ? back_up(place, line.backup_file) : restore(place, line.restore_file);
    if (!done) {
        std::fprintf(stderr, "isthmus-hub: %s\n", done.error().message.c_str());
        return kExitStart;
    }
    std::printf("%s: %lld rows, %lld nodes\n",
                keep ? line.backup_file.c_str() : line.restore_file.c_str(),
                static_cast<long long>(done->rows),
                static_cast<long long>(done->nodes));
    return EXIT_SUCCESS;
}

bool parse_addresses(const std::vector<std::string>& texts,
                     std::vector<http::ListenAddress>& addresses) {
    for (const std::string& text : texts) {
        const auto address = http::ListenAddress::parse(text);
        if (!address) {
            std::fprintf(stderr,
                         "isthmus-hub: \"%s\" is no address; write e.g. 127.0.0.1:8443\n",
                         text.c_str());
            return false;
        }
        addresses.push_back(*address);
    }
    return true;
}

log::Level level_of(const std::string& name) {
    if (name == "debug") {
        return log::Level::kDebug;
    }
    if (name == "warning") {
        return log::Level::kWarning;
    }
    return name == "error" ? log::Level::kError : log::Level::kInfo;
}

void print_start(const Hub& hub, const HubOptions& options) {
    std::printf("%s/\n", hub.url().c_str());
    if (const FirstAdministrator& first = hub.first_administrator(); !first.name.empty()) {
        std::printf(
            "First administrator: %s\nOne-time password:   %s\n"
            "It is shown this once; log in with it and choose another:\n"
            "    isthmusctl hub login --hub %s --ca-file %s --name %s\n",
            first.name.c_str(),
            first.password.c_str(),
            hub.url().c_str(),
            (options.data / "ca.crt").c_str(),
            first.name.c_str());
    }
    std::fflush(stdout);
}

int serve(const CommandLine& line) {
    log::configure({.level = level_of(line.log_level), .format = log::Format::kText});
    HubOptions options = line.options;
    if (!line.nats.servers.empty()) {
        options.bus = nats_bus(line.nats);
    }
    boost::asio::io_context io(1);
    auto hub = Hub::start(io, std::move(options));
    if (!hub) {
        log::error("hub", "{}", hub.error().message);
        return kExitStart;
    }
    boost::asio::signal_set ending(io, SIGTERM, SIGINT);
    bool stopping = false;
    std::function<void()> wait = [&] {
        ending.async_wait([&](const boost::system::error_code& error, int /*signal*/) {
            if (error) {
                return;
            }
            if (std::exchange(stopping, true)) {
                io.stop();
                return;
            }
            (*hub)->stop([&] { io.stop(); });
            wait();
        });
    };
    wait();
    print_start(**hub, line.options);
    io.run();
    log::info("hub", "goodbye");
    return EXIT_SUCCESS;
}

int run(int argc, char** argv) {
    CLI::App app("Isthmus control cloud", "isthmus-hub");
    CommandLine line;
    add_options(app, line);
    add_nats_options(app, line.nats);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? EXIT_SUCCESS : kExitUsage;
    }
    if (line.version) {
        std::printf("isthmus-hub %s\n", ISTHMUS_VERSION);
        return EXIT_SUCCESS;
    }
    if (line.options.data.empty()) {
        std::fputs("isthmus-hub: say where it keeps its keys: --data DIRECTORY\n", stderr);
        return kExitUsage;
    }
    if (!line.backup_file.empty() || !line.restore_file.empty()) {
        return keep_or_bring_back(line);
    }
    if (!parse_addresses(line.listen, line.options.listen) ||
        !parse_addresses(line.metrics_listen, line.options.metrics_listen)) {
        return kExitUsage;
    }
    return serve(line);
}

}  // namespace
}  // namespace isthmus::hub

int main(int argc, char** argv) {
    try {
        return isthmus::hub::run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "isthmus-hub: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
