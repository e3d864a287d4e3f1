#include "media/congestion/prober.h"

#include <algorithm>
#include <chrono>

namespace isthmus::media::congestion {
namespace {

// Sent at once, so that the driver is not woken for every packet (libwebrtc: kMinProbeDelta).
constexpr Duration kChunk = std::chrono::milliseconds(2);
// After nothing could be sent.
constexpr Duration kRetry = std::chrono::milliseconds(5);
// A cluster that could not be sent for so long measures nothing.
constexpr Duration kGiveUp = std::chrono::seconds(1);

}  // namespace

bool Prober::add(Instant now, const ProbeCluster& cluster) {
    if (waiting_ == kClustersMax) {
        return false;
    }
    queue_[waiting_++] = {.cluster = cluster, .added_at = now};
    return true;
}

void Prober::drop_first() {
    std::ranges::move(queue_.begin() + 1, queue_.end(), queue_.begin());
    --waiting_;
}

std::optional<ProbeSend> Prober::poll(Instant now) {
    while (waiting_ > 0 && now - queue_[0].added_at > kGiveUp) {
        drop_first();
    }
    if (waiting_ == 0 || now < next_send()) {
        return std::nullopt;
    }
    const Progress& first = queue_[0];
    retry_at_ = now + kRetry;
    const Instant began = first.began_at.value_or(now);
    const DataSize due = first.cluster.rate * (now + kChunk - began) - first.sent;
    return ProbeSend{.cluster = first.cluster.id,
                     .rate = first.cluster.rate,
                     .size = std::max(due, DataSize::bytes(1)),
                     .packet_size = DataSize::bytes(first.cluster.size.bytes() /
                                                    std::max(first.cluster.packets, 1U))};
}

void Prober::on_sent(Instant now, ProbeClusterId cluster, DataSize size) {
    if (waiting_ == 0 || queue_[0].cluster.id != cluster) {
        return;
    }
    retry_at_ = Instant::min();
    Progress& first = queue_[0];
    if (!first.began_at) {
        first.began_at = now;
    }
    first.sent += size;
    ++first.packets;
    if (first.sent >= first.cluster.size && first.packets >= first.cluster.packets) {
        drop_first();
        for (std::size_t i = 0; i < waiting_; ++i) {
            queue_[i].added_at = now;
        }
    }
}

Instant Prober::next_send() const {
    if (waiting_ == 0) {
        return kNever;
    }
    const Progress& first = queue_[0];
    return first.began_at ? *first.began_at + first.sent / first.cluster.rate : first.added_at;
}

}  // namespace isthmus::media::congestion
