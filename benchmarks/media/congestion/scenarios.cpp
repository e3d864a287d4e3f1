// The figures of RFC 8867's test cases (tests/media/congestion/scenarios.h), as a table:
//
//     build/release/benchmarks/media_congestion_scenarios [SEEDS]
//
// A line is the mean over the seeds; Jain's index is followed by the worst one.
#include "tests/media/congestion/scenarios.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace isthmus::media::congestion {
namespace {

using Scenario = Figures (*)(std::uint64_t seed);

constexpr std::array<Scenario, 9> kScenarios = {variable_capacity,
                                                variable_capacity_two_flows,
                                                congested_feedback,
                                                competing_flows,
                                                round_trip_fairness,
                                                long_tcp,
                                                short_tcp,
                                                pause_and_resume,
                                                four_equal_flows};

template <typename Value>
double mean(const std::vector<Figures>& runs, Value&& value) {
    double sum = 0;
    for (const Figures& run : runs) {
        sum += value(run);
    }
    return sum / static_cast<double>(runs.size());
}

std::string jain_text(const std::vector<Figures>& runs) {
    if (!runs.front().jain) {
        return "-";
    }
    double worst = 1;
    for (const Figures& run : runs) {
        worst = std::min(worst, run.jain.value_or(1));
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%.2f (%.2f)",
                  mean(runs, [](const Figures& run) { return *run.jain; }),
                  worst);
    return text.data();
}

std::string settle_text(const std::vector<Figures>& runs) {
    double worst = 0;
    for (const Figures& run : runs) {
        if (!run.settle_s) {
            return "never";
        }
        worst = std::max(worst, *run.settle_s);
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", worst);
    return text.data();
}

void print(const std::vector<Figures>& runs) {
    std::printf("%-34s %5.0f %5.0f %5.0f %6.2f %12s %7s %6.2f %5.1f %6.0f %8.0f\n",
                runs.front().name.c_str(),
                100 * mean(runs, [](const Figures& run) { return run.utilisation; }),
                mean(runs, [](const Figures& run) { return run.queued_ms_p50; }),
                mean(runs, [](const Figures& run) { return run.queued_ms_p95; }),
                100 * mean(runs, [](const Figures& run) { return run.loss; }),
                jain_text(runs).c_str(),
                settle_text(runs).c_str(),
                100 * mean(runs, [](const Figures& run) { return run.padding; }),
                mean(runs, [](const Figures& run) { return run.switches; }),
                mean(runs, [](const Figures& run) { return run.gap_ms; }),
                mean(runs, [](const Figures& run) { return run.rate_min_kbps; }));
}

}  // namespace
}  // namespace isthmus::media::congestion

int main(int argc, char** argv) {
    using namespace isthmus::media::congestion;  // NOLINT(google-build-using-namespace)
    const auto seeds = argc > 1 ? static_cast<std::uint64_t>(std::atoi(argv[1])) : 6;
    std::printf("%-34s %5s %5s %5s %6s %12s %7s %6s %5s %6s %8s\n",
                "case",
                "util%",
                "q50ms",
                "q95ms",
                "loss%",
                "Jain (worst)",
                "settle s",
                "pad%",
                "steps",
                "gap ms",
                "min kb/s");
    for (const auto scenario : kScenarios) {
        std::vector<Figures> runs;
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            runs.push_back(scenario(seed));
        }
        print(runs);
    }
    return 0;
}
