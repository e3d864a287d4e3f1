#include "tests/media/data/data_pair.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"

namespace isthmus::media::data::testing {

DataPair::DataPair(const DataLimits& limits, std::uint64_t seed) : random_(seed), stack_(limits) {
    set_now(Instant(std::chrono::hours(1)));
}

void DataPair::set_now(Instant now) {
    now_ = now;
    time_of_day_.set(now);
}

void DataPair::open(const DataDescription& client, const DataDescription& node) {
    CHECK(stack_.open(now_, kClient, StreamParity::kEven, client).has_value());
    CHECK(stack_.open(now_, kNode, StreamParity::kOdd, node).has_value());
    drain();
}

void DataPair::run(Duration duration) {
    const Instant end = now_ + duration;
    drain();
    while (true) {
        const Instant arrives = under_way_.empty() ? kNever : under_way_.begin()->first;
        const Instant next = std::min(arrives, stack_.next_timeout());
        if (next > end) {
            break;
        }
        set_now(std::max(now_, next));
        if (arrives <= now_) {
            const SctpPacket packet = std::move(under_way_.begin()->second);
            under_way_.erase(under_way_.begin());
            stack_.handle_packet(now_, packet.association, packet.bytes);
        } else {
            stack_.handle_timeout(now_);
        }
        drain();
    }
    set_now(end);
}

void DataPair::run_until_quiet(Duration duration) {
    const Instant end = now_ + duration;
    // Longer than the longest time-out between retransmissions.
    constexpr int kQuietMs = 11'000;
    int quiet_ms = 0;
    while (now_ < end && quiet_ms < kQuietMs) {
        quiet_ms = under_way_.empty() && stack_.counters().queued_bytes == 0 ? quiet_ms + 10 : 0;
        run(std::chrono::milliseconds(10));
    }
}

void DataPair::drain() {
    while (auto packet = stack_.poll_packet()) {
        if (keep_sent) {
            sent.push_back(*packet);
        }
        packet->association = packet->association == kClient ? kNode : kClient;
        put_on_link(*std::move(packet));
    }
    while (auto event = stack_.poll_event()) {
        events_[event->association].push_back(std::move(event->event));
    }
}

void DataPair::put_on_link(SctpPacket packet) {
    if (cut || chance(link.loss)) {
        return;
    }
    if (chance(link.duplication)) {
        under_way_.emplace(arrival(), packet);
    }
    under_way_.emplace(arrival(), std::move(packet));
}

bool DataPair::chance(double probability) {
    return probability > 0 && static_cast<double>(random_.next_u32()) < probability * 0x1p32;
}

Instant DataPair::arrival() {
    Duration delay = link.delay;
    if (link.jitter > Duration{}) {
        delay += Duration(random_.next_u64() % static_cast<std::uint64_t>(link.jitter.count()));
    }
    return now_ + delay;
}

std::vector<DataMessage> DataPair::messages(AssociationId id) const {
    std::vector<DataMessage> found;
    if (const auto events = events_.find(id); events != events_.end()) {
        for (const DataEvent& event : events->second) {
            if (const auto* message = std::get_if<DataMessage>(&event)) {
                found.push_back(*message);
            }
        }
    }
    return found;
}

std::vector<ChannelOpened> DataPair::opened(AssociationId id) const {
    std::vector<ChannelOpened> found;
    if (const auto events = events_.find(id); events != events_.end()) {
        for (const DataEvent& event : events->second) {
            if (const auto* channel = std::get_if<ChannelOpened>(&event)) {
                found.push_back(*channel);
            }
        }
    }
    return found;
}

std::vector<std::uint16_t> DataPair::closed(AssociationId id) const {
    std::vector<std::uint16_t> found;
    if (const auto events = events_.find(id); events != events_.end()) {
        for (const DataEvent& event : events->second) {
            if (const auto* channel = std::get_if<ChannelClosed>(&event)) {
                found.push_back(channel->channel);
            }
        }
    }
    return found;
}

std::optional<FailureReason> DataPair::failure(AssociationId id) const {
    if (const auto events = events_.find(id); events != events_.end()) {
        for (const DataEvent& event : events->second) {
            if (const auto* failed = std::get_if<AssociationFailed>(&event)) {
                return failed->reason;
            }
        }
    }
    return std::nullopt;
}

void DataPair::send_text(AssociationId from, std::uint16_t channel, std::string_view text) {
    stack_.send(from,
                {.channel = channel,
                 .binary = false,
                 .bytes = std::make_shared<const std::vector<std::byte>>(make_bytes(text))});
    drain();
}

void DataPair::send(AssociationId from, std::uint16_t channel, std::vector<std::byte> bytes) {
    stack_.send(from,
                {.channel = channel,
                 .binary = true,
                 .bytes = std::make_shared<const std::vector<std::byte>>(std::move(bytes))});
    drain();
}

std::vector<std::byte> make_bytes(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::string as_text(const DataMessage& message) {
    return {reinterpret_cast<const char*>(message.bytes->data()), message.bytes->size()};
}

}  // namespace isthmus::media::data::testing
