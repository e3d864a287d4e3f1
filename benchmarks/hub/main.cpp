// isthmus-hub-fleet: what thousands of agents cost a hub, and how soon they are back after it died.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <sys/resource.h>

#include "base/random.h"
#include "benchmarks/hub/fleet.h"
#include "benchmarks/hub/fleet_database.h"
#include "benchmarks/hub/hub_process.h"

namespace isthmus::hub {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::string program;
    std::string data;
    std::size_t agents = 5000;
    int seconds = 60;
    int spread_s = 30;
    std::uint16_t port = 18'463;
};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

// How long until all agents have channels.
double wait_for_all(boost::asio::io_context& io, const Fleet& fleet, int limit_s) {
    const auto begin = Clock::now();
    while (fleet.counters().established < fleet.size() && seconds_since(begin) < limit_s) {
        io.run_for(std::chrono::milliseconds(100));
    }
    return seconds_since(begin);
}

int measure(const Options& options) {
    SystemRandom random;
    const std::filesystem::path data = options.data;
    auto identities = make_fleet_database(data, random, options.agents);
    auto hub = identities ? HubProcess::start(options.program, data, options.port)
                          : Result<HubProcess>(std::unexpected(identities.error()));
    if (!hub) {
        std::fprintf(stderr, "isthmus-hub-fleet: %s\n", hub.error().message.c_str());
        return EXIT_FAILURE;
    }
    const ProcessCost empty = hub->cost();
    boost::asio::io_context io(1);
    SharedTls tls((data / "ca.crt").string());
    Fleet fleet(io, tls, options.port, std::move(*identities), options.spread_s);
    constexpr int kLimitSeconds = 600;
    const double connected_s = wait_for_all(io, fleet, kLimitSeconds);
    const ProcessCost connected = hub->cost();
    std::printf(
        "%zu of %zu agents connected after %.1f s (attempts spread over %d s); "
        "hub: %.2f ms of CPU each\n",
        fleet.counters().established,
        fleet.size(),
        connected_s,
        options.spread_s,
        (connected.cpu_s - empty.cpu_s) * 1000 / static_cast<double>(fleet.size()));

    // The first reports are all new and written; measure after them.
    io.run_for(std::chrono::seconds(12));
    const ProcessCost before = hub->cost();
    const std::uint64_t beats = fleet.counters().heartbeats_answered;
    const auto begin = Clock::now();
    io.run_for(std::chrono::seconds(options.seconds));
    const double lasted_s = seconds_since(begin);
    const ProcessCost after = hub->cost();
    std::printf(
        "%.0f s of heartbeats: %.0f a second; hub: %.1f %% of a core, %.1f us each; "
        "%.1f MiB resident (%.1f before), %.1f KiB an agent\n",
        lasted_s,
        static_cast<double>(fleet.counters().heartbeats_answered - beats) / lasted_s,
        (after.cpu_s - before.cpu_s) * 100 / lasted_s,
        (after.cpu_s - before.cpu_s) * 1e6 /
            static_cast<double>(fleet.counters().heartbeats_answered - beats),
        static_cast<double>(after.resident_kib) / 1024,
        static_cast<double>(empty.resident_kib) / 1024,
        static_cast<double>(after.resident_kib - empty.resident_kib) /
            static_cast<double>(fleet.size()));

    hub->kill();
    io.run_for(std::chrono::seconds(2));
    auto again = HubProcess::start(options.program, data, options.port);
    if (!again) {
        std::fprintf(stderr, "isthmus-hub-fleet: %s\n", again.error().message.c_str());
        return EXIT_FAILURE;
    }
    const double back_s = wait_for_all(io, fleet, kLimitSeconds);
    std::printf("after a kill and a start: %zu of %zu back after %.1f s; hub: %.2f s of CPU\n",
                fleet.counters().established,
                fleet.size(),
                back_s,
                again->cost().cpu_s);
    return fleet.counters().established == fleet.size() ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(int argc, char** argv) {
    CLI::App app("Many agents on one hub", "isthmus-hub-fleet");
    Options options;
    app.add_option("--hub", options.program, "The program isthmus-hub")->required();
    app.add_option("--data", options.data, "An empty directory")->required();
    app.add_option("--agents", options.agents, "How many")->capture_default_str();
    app.add_option("--seconds", options.seconds, "Of heartbeats")->capture_default_str();
    app.add_option("--spread", options.spread_s, "Of the first attempts")->capture_default_str();
    app.add_option("--port", options.port, "Of the hub")->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e);
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    return measure(options);
}

}  // namespace
}  // namespace isthmus::hub

int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape)
    return isthmus::hub::run(argc, argv);
}
