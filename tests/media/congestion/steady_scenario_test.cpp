// One receiver behind one bottleneck: what it gets, what that costs in delay and padding, and what
// happens where the line changes or breaks.
//
//     node -- forward: 0.3 to 10 Mbit/s, queue of 300 ms --> receiver
//          <-- backward --
#include <chrono>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/congestion/flow_report.h"
#include "tests/media/congestion/media_flow.h"
#include "tests/simulator/seed.h"

namespace isthmus::media::congestion {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kLayersKbps[] = {150, 500, 1500, 4000};
constexpr std::int64_t kAudioKbps = 56;

struct LineParts {
    std::int64_t kbps = 1000;
    Duration delay = milliseconds(50);
    double loss = 0;
    Duration jitter{};
    double reorder = 0;
};

simulator::LinkConfig line_of(const LineParts& parts) {
    return {.delay = parts.delay,
            .jitter = parts.jitter,
            .loss = parts.loss,
            .reorder = parts.reorder,
            .rate_bps = static_cast<std::uint64_t>(parts.kbps) * 1000,
            .queue_bytes = static_cast<std::size_t>(parts.kbps) * 1000 / 8 * 3 / 10};
}

// What the best set of layers takes that fits 90 % of the line, with audio.
double best_bps(std::int64_t kbps) {
    std::int64_t best = kLayersKbps[0];
    for (const std::int64_t layer : kLayersKbps) {
        if (static_cast<double>(layer + kAudioKbps) <= 0.9 * static_cast<double>(kbps)) {
            best = layer;
        }
    }
    return static_cast<double>(best + kAudioKbps) * 1000;
}

class Receiver {
  public:
    Receiver(const LineParts& parts, std::uint64_t seed, bool feedback_by_stream = false)
        : forward_(line_of(parts), seed),
          backward_({.delay = parts.delay}, seed + 1),
          flow_(simulator_, forward_, backward_, config_of(feedback_by_stream), seed + 2),
          began_(simulator_.now()) {
        flow_.start();
    }

    void run_until(double s) { simulator_.run_for(at(s) - simulator_.now()); }

    void set_line(const LineParts& parts) { forward_.set_config(line_of(parts)); }

    [[nodiscard]] Instant at(double s) const {
        return began_ + Duration(static_cast<Duration::rep>(s * 1e9));
    }

    [[nodiscard]] Span span(double from, double to) const {
        return {.from = at(from), .to = at(to)};
    }

    [[nodiscard]] const FlowTrace& trace() const { return flow_.trace(); }

    [[nodiscard]] const SendSideController& controller() const { return flow_.controller(); }

    [[nodiscard]] double queued(double from, double to, double percentile) const {
        const FlowTrace* const one[] = {&flow_.trace()};
        return queued_ms(one, span(from, to), percentile);
    }

  private:
    static FlowConfig config_of(bool feedback_by_stream) {
        FlowConfig config;
        config.tracks.push_back(simulcast({std::begin(kLayersKbps), std::end(kLayersKbps)}));
        config.feedback_by_stream = feedback_by_stream;
        return config;
    }

    simulator::Simulator simulator_;
    simulator::Link forward_;
    simulator::Link backward_;
    MediaFlow flow_;
    Instant began_;
};

// The figures that we promise for a line that stays as it is.
void expect_promise(const LineParts& parts, std::uint64_t seed, bool feedback_by_stream) {
    Receiver receiver(parts, seed, feedback_by_stream);
    receiver.run_until(60);
    const FlowTrace& trace = receiver.trace();
    const double capacity = static_cast<double>(parts.kbps) * 1000;
    const auto reached = seconds_to_target(trace, receiver.span(0, 60), 0.9 * capacity);
    ASSERT_TRUE(reached);
    EXPECT_LE(*reached, 5);
    EXPECT_GE(mean_layers(trace, receiver.span(20, 60)), 0.95 * best_bps(parts.kbps));
    EXPECT_LE(mean_layers(trace, receiver.span(5, 60)), capacity);
    EXPECT_LT(padding_share(trace), 0.05);
    EXPECT_LT(receiver.queued(0, 60, 0.95), 100);
    EXPECT_LT(trace.longest_gap, milliseconds(200)) << "video stood still";
    EXPECT_LE(trace.longest_wait, milliseconds(300)) << "in the pacer";
    EXPECT_LE(trace.switches, 6);
}

TEST(SteadyScenario, FindsThePathAndFillsItWithTheBestLayers) {
    simulator::for_each_seed(4, [](std::uint64_t seed) {
        for (const int delay_ms : {10, 50, 150}) {
            for (const std::int64_t kbps : {300, 500, 700, 1000, 2000, 3000, 5000, 10'000}) {
                SCOPED_TRACE(std::to_string(kbps) + " kbit/s, " + std::to_string(2 * delay_ms) +
                             " ms");
                expect_promise({.kbps = kbps, .delay = milliseconds(delay_ms)}, seed, false);
            }
        }
    });
}

TEST(SteadyScenario, DoesTheSameWithFeedbackByStream) {
    simulator::for_each_seed(3, [](std::uint64_t seed) {
        for (const std::int64_t kbps : {300, 1000, 2000, 5000}) {
            SCOPED_TRACE(std::to_string(kbps) + " kbit/s");
            expect_promise({.kbps = kbps}, seed, true);
        }
    });
}

TEST(SteadyScenario, StandsJitterReorderingAndALittleLoss) {
    simulator::for_each_seed(4, [](std::uint64_t seed) {
        Receiver receiver({.kbps = 2500, .loss = 0.02, .jitter = milliseconds(15), .reorder = 0.01},
                          seed);
        receiver.run_until(60);
        EXPECT_GE(mean_layers(receiver.trace(), receiver.span(20, 60)), 0.7 * best_bps(2500));
        EXPECT_LT(receiver.queued(0, 60, 0.95), 100);
    });
}

// A radio that loses every eighth packet whatever is sent: the rate must not sink to nothing.
TEST(SteadyScenario, StandsLossThatIsNobodysFault) {
    simulator::for_each_seed(4, [](std::uint64_t seed) {
        Receiver receiver({.kbps = 5000, .loss = 0.12}, seed);
        receiver.run_until(60);
        EXPECT_GE(mean_layers(receiver.trace(), receiver.span(20, 60)), 500'000);
    });
}

TEST(DropScenario, RecoversFromADropToAQuarterWithinTwoSeconds) {
    simulator::for_each_seed(6, [](std::uint64_t seed) {
        for (const std::int64_t kbps : {2000, 4000, 8000}) {
            SCOPED_TRACE(std::to_string(kbps) + " kbit/s");
            Receiver receiver({.kbps = kbps}, seed);
            receiver.run_until(30);
            receiver.set_line({.kbps = kbps / 4});
            receiver.run_until(60);
            const auto settled = seconds_to_layers_below(
                receiver.trace(), receiver.span(30, 60), static_cast<double>(kbps) * 1000 / 4);
            ASSERT_TRUE(settled);
            EXPECT_LE(*settled, 2);
            EXPECT_LT(receiver.trace().longest_gap, milliseconds(200)) << "no freeze";
            EXPECT_LT(receiver.queued(33, 60, 0.95), 100);
            EXPECT_GE(mean_layers(receiver.trace(), receiver.span(45, 60)),
                      0.9 * best_bps(kbps / 4));
            receiver.set_line({.kbps = kbps});
            receiver.run_until(120);
            EXPECT_GE(mean_layers(receiver.trace(), receiver.span(100, 120)), 0.8 * best_bps(kbps));
        }
    });
}

TEST(OutageScenario, GivesWayWhileNothingIsHeardAndComesBack) {
    simulator::for_each_seed(6, [](std::uint64_t seed) {
        Receiver receiver({.kbps = 2000}, seed);
        receiver.run_until(20);
        const DataRate before = receiver.controller().target();
        receiver.set_line({.kbps = 2000, .loss = 1});
        receiver.run_until(25);
        EXPECT_LT(receiver.controller().target(), before * 0.2);
        EXPECT_GE(receiver.controller().stats().silences, 3U);
        receiver.set_line({.kbps = 2000});
        receiver.run_until(60);
        EXPECT_GE(mean_layers(receiver.trace(), receiver.span(45, 60)), 0.9 * best_bps(2000));
    });
}

}  // namespace
}  // namespace isthmus::media::congestion
