#include "media/worker/load_ledger.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/check.h"

namespace isthmus::media {
namespace {

// So many connections must load before what they cost outweighs kCostAtFirst.
constexpr double kFirstCostWeight = 25;
// What CPU shares of equally loaded workers differ by from second to second.
constexpr double kNoiseShare = 0.02;

}  // namespace

void LoadLedger::release(std::size_t worker) {
    CHECK(entries_[worker].admitted > 0);
    --entries_[worker].admitted;
}

void LoadLedger::set_reading(std::size_t worker, const LoadReading& reading) {
    entries_[worker].reading = reading;
    learn_cost();
}

void LoadLedger::learn_cost() {
    double cpu = kCostAtFirst * kFirstCostWeight;
    double loading = kFirstCostWeight;
    for (const Entry& entry : entries_) {
        cpu += entry.reading.cpu_share;
        loading += entry.reading.loading;
    }
    connection_cost_ = cpu / loading;
}

double LoadLedger::estimate(std::size_t worker) const {
    const Entry& entry = entries_[worker];
    const double unseen = static_cast<double>(entry.admitted) - entry.reading.loading;
    return std::max(0.0, entry.reading.cpu_share + connection_cost_ * unseen);
}

bool LoadLedger::is_lighter(std::size_t a, std::size_t b) const {
    const auto rank = [this](std::size_t worker) {
        return std::tuple(std::floor(estimate(worker) / kNoiseShare),
                          entries_[worker].reading.packets_per_second,
                          entries_[worker].admitted);
    };
    return rank(a) < rank(b);
}

std::size_t LoadLedger::lightest() const {
    std::size_t best = 0;
    for (std::size_t worker = 1; worker < entries_.size(); ++worker) {
        if (is_lighter(worker, best)) {
            best = worker;
        }
    }
    return best;
}

}  // namespace isthmus::media
