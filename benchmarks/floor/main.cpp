// What sending the node's traffic costs at least: encryption and sendmmsg with UDP_SEGMENT to
// receivers with a key each, and nothing of a selective forwarding unit.
//
//     core 0: sender -- loopback --> core 1: receivers, who authenticate every packet
//
// Bursts come at the rate of the traffic, not as fast as they can, as caches are colder then. The
// CPU time is the sender's thread, with the kernel's part of it: on loopback that is the receivers'
// half of the stack too. Only packets that the receivers accepted count.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/random.h"
#include "benchmarks/floor/on_cpu.h"
#include "benchmarks/floor/receivers.h"
#include "benchmarks/floor/sender.h"
#include "benchmarks/floor/shape.h"

namespace isthmus::floor {
namespace {

using media::transport::SrtpMasterKey;
using media::transport::SrtpProfile;
using std::chrono::steady_clock;

struct Options {
    double seconds = 3;
    int sender_cpu = 0;
    int receivers_cpu = 1;
    std::string_view only;  // part of a shape's name
};

std::vector<Shape> all_shapes() {
    std::vector<Shape> shapes;
    for (const SrtpProfile profile :
         {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAesCm128HmacSha1_80}) {
        const std::string suffix = profile == SrtpProfile::kAeadAes128Gcm ? "-gcm" : "-cm-sha1";
        for (const bool gro : {false, true}) {
            const std::string reading = suffix + (gro ? "-gro" : "-plain");
            for (const std::size_t packets : {8U, 4U, 1U}) {
                shapes.push_back({.name = "video-" + std::to_string(packets) + reading,
                                  .packets = packets,
                                  .profile = profile,
                                  .gro = gro});
            }
            // Twenty small conferences, a publisher and 20 viewers each: bursts that are short and
            // come often, for the latency.
            shapes.push_back({.name = "small" + reading,
                              .receivers = 20,
                              .packets = 8,
                              .bursts_per_second = 600,
                              .profile = profile,
                              .gro = gro});
            // Three talkers, 50 packets a second each.
            shapes.push_back({.name = "audio" + reading,
                              .receivers = 1000,
                              .packets = 1,
                              .payload_bytes = 80,
                              .bursts_per_second = 150,
                              .profile = profile,
                              .gro = gro});
        }
    }
    return shapes;
}

std::vector<SrtpMasterKey> make_keys(const Shape& shape) {
    SeededRandom random(1);
    std::vector<SrtpMasterKey> keys(shape.receivers);
    for (SrtpMasterKey& key : keys) {
        key.profile = shape.profile;
        random.fill(key.key);
        random.fill(key.salt);
    }
    return keys;
}

[[nodiscard]] Duration percentile(const std::vector<Duration>& sorted, double share) {
    return sorted.empty()
               ? Duration{}
               : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

RunResult run(const Shape& shape, const Options& options) {
    const std::vector<SrtpMasterKey> keys = make_keys(shape);
    Receivers receivers(shape, keys, options.receivers_cpu);
    Sender sender(shape, keys, receivers.port());
    const auto interval =
        std::chrono::nanoseconds(1'000'000'000 / static_cast<long>(shape.bursts_per_second));
    const auto bursts =
        static_cast<std::size_t>(options.seconds * static_cast<double>(shape.bursts_per_second));
    sender.send_burst();  // pages and caches
    auto next = steady_clock::now() + std::chrono::milliseconds(100);
    std::this_thread::sleep_until(next);

    const std::uint64_t accepted_before = receivers.accepted();
    const auto counters_before = sender.counters();
    const double before = thread_seconds();
    for (std::size_t i = 0; i < bursts; ++i) {
        sender.send_burst();
        next += interval;
        std::this_thread::sleep_until(next);
    }
    const double spent = thread_seconds() - before;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // what is still on the way
    const std::uint64_t accepted = receivers.accepted() - accepted_before;
    std::vector<Duration> latencies = receivers.stop();
    // Without the burst that warmed up.
    latencies.erase(latencies.begin(),
                    latencies.begin() +
                        static_cast<std::ptrdiff_t>(std::min(shape.receivers, latencies.size())));
    std::ranges::sort(latencies);
    return {.sent = sender.counters().datagrams - counters_before.datagrams,
            .accepted = accepted,
            .cpu_seconds = spent,
            .messages = static_cast<double>(sender.counters().messages - counters_before.messages),
            .latency_p50 = percentile(latencies, 0.5),
            .latency_p99 = percentile(latencies, 0.99)};
}

void print(const Shape& shape, const RunResult& result) {
    const auto ms = [](Duration duration) { return static_cast<double>(duration.count()) / 1e6; };
    std::printf("%-24s %9llu %9llu %8.1f %9.0f %12.0f %8.2f %8.2f\n",
                shape.name.c_str(),
                static_cast<unsigned long long>(result.sent),
                static_cast<unsigned long long>(result.accepted),
                static_cast<double>(result.sent) / result.messages,
                1e9 / result.accepted_per_cpu_second(),
                result.accepted_per_cpu_second(),
                ms(result.latency_p50),
                ms(result.latency_p99));
    std::fflush(stdout);
}

int measure(const Options& options) {
    stay_on(options.sender_cpu);
    std::printf("%-24s %9s %9s %8s %9s %12s %8s %8s\n",
                "shape",
                "sent",
                "accepted",
                "/message",
                "ns/packet",
                "packets/CPU-s",
                "p50 ms",
                "p99 ms");
    bool any = false;
    for (const Shape& shape : all_shapes()) {
        if (shape.name.contains(options.only)) {
            print(shape, run(shape, options));
            any = true;
        }
    }
    return any ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const std::string_view value = argv[i + 1];
        const auto read = [value](auto& to) {
            const auto [end, error] =
                std::from_chars(value.data(), value.data() + value.size(), to);
            return error == std::errc{} && end == value.data() + value.size() && to >= 0;
        };
        const bool good = name == "--seconds"         ? read(options.seconds)
                          : name == "--sender-cpu"    ? read(options.sender_cpu)
                          : name == "--receivers-cpu" ? read(options.receivers_cpu)
                                                      : name == "--only";
        if (!good) {
            return false;
        }
        if (name == "--only") {
            options.only = value;
        }
    }
    return argc % 2 == 1;
}

}  // namespace
}  // namespace isthmus::floor

int main(int argc, char** argv) {
    isthmus::floor::Options options;
    if (!isthmus::floor::parse(argc, argv, options)) {
        std::fputs(
            "usage: isthmus-floor [--seconds N] [--sender-cpu N] [--receivers-cpu N] [--only "
            "PART-OF-NAME]\n",
            stderr);
        return 2;
    }
    return isthmus::floor::measure(options);
}
