#include "tests/simulator/link.h"

#include <algorithm>

namespace isthmus::simulator {
namespace {

constexpr std::uint64_t kBitsPerByte = 8;
constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
// Makes a fraction of the upper 53 bits, which a double holds exactly.
constexpr double kScale = 1.0 / static_cast<double>(1ULL << 53U);

}  // namespace

std::vector<Instant> Link::pass(Instant now, std::size_t bytes) {
    ++counters_.datagrams;
    if (lose()) {
        ++counters_.lost;
        return {};
    }
    if (queue_is_full(now, bytes)) {
        ++counters_.queue_dropped;
        return {};
    }
    const Instant left = serialize(now, bytes);
    Instant arrival = left + config_.delay;
    if (config_.jitter > Duration::zero()) {
        arrival += Duration(static_cast<Duration::rep>(
            random_.next_u64() % static_cast<std::uint64_t>(config_.jitter.count())));
    }
    if (chance(config_.reorder)) {
        ++counters_.reordered;
        arrival += config_.reorder_delay;
    } else {
        arrival = in_order(arrival);
    }
    if (chance(config_.duplicate)) {
        ++counters_.duplicated;
        return {arrival, arrival};
    }
    return {arrival};
}

Instant Link::pass_reliably(Instant now, std::size_t bytes) {
    ++counters_.datagrams;
    return in_order(serialize(now, bytes) + config_.delay);
}

bool Link::chance(double probability) {
    if (probability <= 0) {
        return false;
    }
    return static_cast<double>(random_.next_u64() >> 11U) * kScale < probability;
}

bool Link::lose() {
    if (config_.loss_burst <= 1) {
        return chance(config_.loss);
    }
    // Gilbert's model: a bad state that ends with probability 1 / burst, and begins so often that
    // the share of losses is what was asked for.
    const double leave = 1 / config_.loss_burst;
    const double enter = leave * config_.loss / (1 - config_.loss);
    losing_ = losing_ ? !chance(leave) : chance(enter);
    return losing_;
}

bool Link::queue_is_full(Instant now, std::size_t bytes) const {
    if (config_.rate_bps == 0 || free_at_ <= now) {
        return false;
    }
    const auto waiting_ns = static_cast<std::uint64_t>((free_at_ - now).count());
    const std::uint64_t waiting_bytes =
        waiting_ns * (config_.rate_bps / kBitsPerByte) / kNanosPerSecond;
    return waiting_bytes + bytes > config_.queue_bytes;
}

Instant Link::serialize(Instant now, std::size_t bytes) {
    if (config_.rate_bps == 0) {
        return now;
    }
    free_at_ =
        std::max(free_at_, now) + Duration(static_cast<Duration::rep>(
                                      bytes * kBitsPerByte * kNanosPerSecond / config_.rate_bps));
    return free_at_;
}

Instant Link::in_order(Instant arrival) {
    last_arrival_ = std::max(last_arrival_, arrival);
    return last_arrival_;
}

}  // namespace isthmus::simulator
