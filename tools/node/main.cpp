// isthmus-node: a media node that runs alone.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/log.h"
#include "tools/node/media_plane.h"
#include "tools/node/node.h"
#include "tools/node/node_config.h"

namespace isthmus::node {
namespace {

constexpr int kExitConfiguration = 2;
constexpr int kExitStart = 1;

struct CommandLine {
    std::string config;
    std::string check_config;
    bool dev = false;
    bool version = false;
    std::optional<std::uint16_t> http_port;
    std::optional<std::uint16_t> https_port;
    std::optional<std::uint16_t> media_port;
    std::optional<std::uint32_t> workers;
    std::vector<std::string> advertise;
    std::string pages;
    std::string state_directory;
    std::optional<std::string> log_level;
};

void add_options(CLI::App& app, CommandLine& line) {
    app.add_option("--config", line.config, "YAML file; see isthmus-node.example.yaml");
    app.add_option("--check-config", line.check_config, "Say whether FILE is a good configuration");
    app.add_flag("--dev", line.dev, "Use a key that everybody knows; for development only");
    app.add_flag("--version", line.version, "Print the version");
    app.add_option("--http-port", line.http_port, "Plain HTTP on this port of 127.0.0.1; 0: any");
    app.add_option("--https-port", line.https_port, "HTTPS on this port of all addresses; 0: any");
    app.add_option("--media-port", line.media_port, "media.first_port; 0: any");
    app.add_option("--workers", line.workers, "media.workers; 0: one for each core")
        ->check(CLI::Range(0U, 1024U));
    app.add_option(
        "--advertise", line.advertise, "media.advertised_addresses, instead of the file");
    app.add_option("--pages", line.pages, "http.pages_directory");
    app.add_option("--state-directory", line.state_directory, "state_directory");
    app.add_option("--log-level", line.log_level, "log.level")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
}

log::Level level_of(std::string_view name) {
    if (name == "debug") {
        return log::Level::kDebug;
    }
    if (name == "warning") {
        return log::Level::kWarning;
    }
    return name == "error" ? log::Level::kError : log::Level::kInfo;
}

void apply(const CommandLine& line, NodeConfig& config) {
    if (line.http_port) {
        config.http.listen = {{.ip = "127.0.0.1", .port = *line.http_port}};
    }
    if (line.https_port) {
        config.http.tls_listen = {{.ip = "0.0.0.0", .port = *line.https_port},
                                  {.ip = "::", .port = *line.https_port}};
    }
    if (line.media_port) {
        config.media.first_port = *line.media_port;
    }
    if (line.workers) {
        config.media.workers = *line.workers;
    }
    if (!line.advertise.empty()) {
        config.media.advertised_addresses = line.advertise;
    }
    if (!line.pages.empty()) {
        config.http.pages_directory = line.pages;
    }
    if (!line.state_directory.empty()) {
        config.state_directory = line.state_directory;
    }
    if (line.log_level) {
        config.log_level = level_of(*line.log_level);
    }
}

int check_config(const std::string& path) {
    const auto config = load_node_config(path);
    if (!config) {
        std::fprintf(stderr, "%s\n", config.error().message.c_str());
        return kExitConfiguration;
    }
    std::printf("%s: ok\n", path.c_str());
    if (config->keys.empty()) {
        std::printf("note: there is no key under keys; the node will start with --dev only\n");
    }
    return EXIT_SUCCESS;
}

signaling::access::ApiKeys dev_keys(bool dev) {
    return dev ? signaling::access::ApiKeys{{std::string(kDevKey), std::string(kDevSecret)}}
               : signaling::access::ApiKeys();
}

Result<NodeOptions> options_of(const CommandLine& line) {
    NodeOptions options;
    if (!line.config.empty()) {
        auto loaded = load_node_config(line.config, dev_keys(line.dev));
        if (!loaded) {
            return std::unexpected(loaded.error());
        }
        options.config = std::move(*loaded);
    }
    apply(line, options.config);
    if (line.dev) {
        options.config.keys.merge(dev_keys(line.dev));
        if (options.config.join_key.empty()) {
            options.config.join_key = kDevKey;
        }
    } else if (options.config.keys.empty()) {
        return make_error(
            ErrorCode::kInvalidArgument,
            "there is no API key, so nobody could join. Make a secret with \"openssl rand -base64 "
            "33\" and write it into the configuration: keys: {mykey: \"the secret\"}. To try "
            "things "
            "out on your own machine, use --dev.");
    }
    return options;
}

void print_urls(const Node& node, bool dev) {
    for (const auto& listener : node.listeners()) {
        const std::string port = std::to_string(listener.address.port);
        const bool any = listener.address.ip == "0.0.0.0" || listener.address.ip == "::";
        const std::string host = any ? "localhost:" + port : listener.address.to_string();
        if (listener.address.ip != "::") {  // 0.0.0.0 says the same
            std::printf("%s://%s/\n", listener.secure ? "https" : "http", host.c_str());
        }
    }
    std::string ports;
    for (const std::uint16_t port : node.media_ports()) {
        ports += " " + std::to_string(port);
    }
    log::info("node", "media on UDP and TCP{}; ready", ports);
    if (dev) {
        std::fputs(
            "********************************************************************************\n"
            "*  DEVELOPMENT MODE: the API key \"devkey\" has a secret that everybody knows,   *\n"
            "*  and the meeting page lets anybody into any conference. Not for real ones.   *\n"
            "********************************************************************************\n",
            stdout);
    }
    std::fflush(stdout);
}

class Signals {
  public:
    Signals(boost::asio::io_context& io, Node& node)
        : io_(&io), node_(&node), ending_(io, SIGTERM, SIGINT), reloading_(io, SIGHUP) {
        wait_for_end();
        wait_for_reload();
    }

  private:
    void wait_for_end() {
        ending_.async_wait([this](const boost::system::error_code& error, int signal) {
            if (error) {
                return;
            }
            if (std::exchange(ending_now_, true)) {
                log::warning("node", "second signal: leaving at once");
                std::_Exit(kExitStart);
            }
            log::info("node", "signal {}: ending all sessions", signal);
            node_->shut_down([this] { io_->stop(); });
            wait_for_end();
        });
    }

    void wait_for_reload() {
        reloading_.async_wait([this](const boost::system::error_code& error, int /*signal*/) {
            if (!error) {
                node_->reload();
                wait_for_reload();
            }
        });
    }

    boost::asio::io_context* io_;
    Node* node_;
    boost::asio::signal_set ending_;
    boost::asio::signal_set reloading_;
    bool ending_now_ = false;
};

int serve(NodeOptions options, bool dev) {
    constexpr int kOneThread = 1;
    log::configure({.level = options.config.log_level,
                    .format = options.config.log_format,
                    .file_bytes_max = log::file_bytes_wanted()});
    boost::asio::io_context io(kOneThread);
    if (dev) {
        log::warning("node",
                     "--dev: the key \"devkey\" with the secret \"{}\" is valid; anybody may join",
                     kDevSecret);
    }
    auto node = Node::start(io, std::move(options), make_local_media);
    if (!node) {
        log::error("node", "{}", node.error().message);
        return kExitStart;
    }
    const Signals signals(io, **node);
    print_urls(**node, dev);
    io.run();
    log::info("node", "goodbye");
    return EXIT_SUCCESS;
}

int run(int argc, char** argv) {
    CLI::App app("Isthmus media node", "isthmus-node");
    CommandLine line;
    add_options(app, line);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? EXIT_SUCCESS : kExitConfiguration;
    }
    if (line.version) {
        std::printf("isthmus-node %s\n", std::string(version()).c_str());
        return EXIT_SUCCESS;
    }
    if (!line.check_config.empty()) {
        return check_config(line.check_config);
    }
    auto options = options_of(line);
    if (!options) {
        std::fprintf(stderr, "isthmus-node: %s\n", options.error().message.c_str());
        return kExitConfiguration;
    }
    return serve(std::move(*options), line.dev);
}

}  // namespace
}  // namespace isthmus::node

int main(int argc, char** argv) {
    try {
        return isthmus::node::run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "isthmus-node: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
