// Reliable messages of the last moments of a room, for who has joined and whose data channels are
// not open yet.
//
// Bounded in time and bytes; what is older is forgotten.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "base/time.h"
#include "signaling/livekit/data_router.h"

namespace isthmus::signaling::livekit {

class DataBacklog {
  public:
    void add(Instant now, std::string sender_sid, RoutedData data) {
        trim(now);
        bytes_ += data.bytes->size();
        entries_.push_back(
            {.at = now, .sender_sid = std::move(sender_sid), .data = std::move(data)});
        while (bytes_ > kBytesMax) {
            pop();
        }
    }

    // Calls `give(sender_sid, data)` for each message since `since`, oldest first.
    template <typename Give>
    void replay(Instant now, Instant since, Give give) {
        trim(now);
        for (const Entry& entry : entries_) {
            if (entry.at >= since) {
                give(entry.sender_sid, entry.data);
            }
        }
    }

    [[nodiscard]] std::size_t bytes() const { return bytes_; }

    static constexpr Duration kAge = std::chrono::seconds(2);
    static constexpr std::size_t kBytesMax = 1U << 20U;

  private:
    struct Entry {
        Instant at;
        std::string sender_sid;
        RoutedData data;
    };

    void pop() {
        bytes_ -= entries_.front().data.bytes->size();
        entries_.pop_front();
    }

    void trim(Instant now) {
        while (!entries_.empty() && entries_.front().at + kAge < now) {
            pop();
        }
    }

    std::deque<Entry> entries_;
    std::size_t bytes_ = 0;
};

}  // namespace isthmus::signaling::livekit
