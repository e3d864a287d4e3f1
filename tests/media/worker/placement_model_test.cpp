// A node of four workers in a model: conferences come and go, cost little or much, begin to load
// seconds after they were admitted, and what is measured of them is noisy. Compares where
// LoadLedger places them with where the number of connections alone, and the measured CPU alone
// would.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "media/worker/load_ledger.h"
#include "media/worker/load_meter.h"

namespace isthmus::media {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 4;

struct ModelConference {
    std::size_t worker = 0;
    std::uint32_t connections = 0;
    double cost_each = 0;  // share of a core
    int loads_at_s = 0;    // joins, and waits for its publisher
    int ends_at_s = 0;
};

class ModelNode {
  public:
    using Choose = std::function<std::size_t(const LoadLedger&)>;

    ModelNode(std::uint64_t seed, Choose choose) : random_(seed), choose_(std::move(choose)) {}

    void run(int seconds) {
        for (now_s_ = 1; now_s_ <= seconds; ++now_s_) {
            end_conferences();
            if (random_.next_u32() % 4 == 0) {
                begin_conference();
            }
            measure();
        }
    }

    // Over all seconds, of the busiest worker in each.
    [[nodiscard]] double busiest_mean() const { return busiest_sum_ / (now_s_ - 1); }

    // Worker-seconds in which more was asked of one than its core has.
    [[nodiscard]] int overloaded() const { return overloaded_; }

  private:
    // A third are webinars that cost little each, a third are meetings in which everybody is sent
    // several videos; and some wait for a minute for who is to speak.
    void begin_conference() {
        ModelConference conference;
        const bool webinar = random_.next_u32() % 3 == 0;
        conference.connections =
            webinar ? 60 + random_.next_u32() % 200 : 3 + random_.next_u32() % 20;
        conference.cost_each = webinar ? 0.0003 : 0.001 + 0.006 * (random_.next_u32() % 100) / 100;
        conference.loads_at_s = now_s_ + (random_.next_u32() % 5 == 0 ? 60 : 3);
        conference.ends_at_s = now_s_ + 60 + static_cast<int>(random_.next_u32() % 240);
        conference.worker = choose_(loads_);
        for (std::uint32_t i = 0; i < conference.connections; ++i) {
            loads_.admit(conference.worker);
        }
        conferences_.push_back(conference);
    }

    void end_conferences() {
        std::erase_if(conferences_, [this](const ModelConference& conference) {
            if (conference.ends_at_s > now_s_) {
                return false;
            }
            for (std::uint32_t i = 0; i < conference.connections; ++i) {
                loads_.release(conference.worker);
            }
            return true;
        });
    }

    struct Demand {
        double asked = 0;  // shares of a core
        std::size_t loading = 0;
        std::size_t there = 0;
    };

    [[nodiscard]] Demand demand_on(std::size_t worker) const {
        Demand demand;
        for (const ModelConference& conference : conferences_) {
            if (conference.worker != worker) {
                continue;
            }
            demand.there += conference.connections;
            if (conference.loads_at_s <= now_s_) {
                demand.asked += conference.cost_each * conference.connections;
                demand.loading += conference.connections;
            }
        }
        return demand;
    }

    void measure() {
        double busiest = 0;
        for (std::size_t worker = 0; worker < kWorkers; ++worker) {
            const auto [asked, loading, there] = demand_on(worker);
            busiest = std::max(busiest, asked);
            overloaded_ += asked > 1 ? 1 : 0;
            // A core has no more than itself; from second to second 20 % up and down.
            const double noise = 0.8 + 0.4 * (random_.next_u32() % 1000) / 1000;
            totals_[worker].cpu += std::chrono::duration_cast<Duration>(
                std::chrono::duration<double>(std::min(1.0, asked * noise)));
            totals_[worker].packets += static_cast<std::uint64_t>(asked * 600'000);
            totals_[worker].loading = loading;
            meters_[worker].poll(
                Instant{} + std::chrono::seconds(now_s_), there, [&] { return totals_[worker]; });
            loads_.set_reading(worker, meters_[worker].reading());
        }
        busiest_sum_ += busiest;
    }

    SeededRandom random_;
    Choose choose_;
    LoadLedger loads_{kWorkers};
    std::vector<ModelConference> conferences_;
    std::array<LoadMeter, kWorkers> meters_;
    std::array<LoadMeter::Totals, kWorkers> totals_;
    int now_s_ = 0;
    double busiest_sum_ = 0;
    int overloaded_ = 0;
};

std::size_t fewest_connections(const LoadLedger& loads) {
    std::size_t best = 0;
    for (std::size_t worker = 1; worker < loads.workers(); ++worker) {
        best = loads.admitted(worker) < loads.admitted(best) ? worker : best;
    }
    return best;
}

// What was measured, and nothing else.
std::size_t least_measured(const LoadLedger& loads) {
    std::size_t best = 0;
    for (std::size_t worker = 1; worker < loads.workers(); ++worker) {
        best = loads.reading(worker).cpu_share < loads.reading(best).cpu_share ? worker : best;
    }
    return best;
}

class PlacementModel : public testing::TestWithParam<std::uint64_t> {};

TEST_P(PlacementModel, LoadsTheBusiestWorkerLeast) {
    ModelNode by_load(GetParam(), [](const LoadLedger& loads) { return loads.lightest(); });
    ModelNode by_connections(GetParam(), fewest_connections);
    ModelNode by_measurement(GetParam(), least_measured);
    by_load.run(3600);
    by_connections.run(3600);
    by_measurement.run(3600);
    RecordProperty("by_load", std::to_string(by_load.busiest_mean()));
    RecordProperty("by_connections", std::to_string(by_connections.busiest_mean()));
    RecordProperty("by_measurement", std::to_string(by_measurement.busiest_mean()));
    EXPECT_LT(by_load.busiest_mean(), by_connections.busiest_mean());
    EXPECT_LT(by_load.busiest_mean(), by_measurement.busiest_mean());
    EXPECT_LT(by_load.overloaded(), by_connections.overloaded());
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlacementModel, testing::Values(1, 2, 3, 4, 5));

}  // namespace
}  // namespace isthmus::media
