// What waits for one data channel while SCTP's own buffer is full.
//
// Bounded by its owner, which looks at size() and bytes() first. Not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <utility>

#include "media/data/data_message.h"
#include "media/data/stream_sender.h"

namespace isthmus::media::data {

class ChannelQueue {
  public:
    struct Entry {
        PayloadProtocol protocol = PayloadProtocol::kBinary;
        std::shared_ptr<const std::vector<std::byte>> bytes;
    };

    void push(Entry entry) {
        bytes_ += entry.bytes->size();
        entries_.push_back(std::move(entry));
    }

    [[nodiscard]] const Entry& front() const { return entries_.front(); }

    void pop() {
        bytes_ -= entries_.front().bytes->size();
        entries_.pop_front();
    }

    void clear() {
        entries_.clear();
        bytes_ = 0;
    }

    [[nodiscard]] bool empty() const { return entries_.empty(); }

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    std::deque<Entry> entries_;
    std::size_t bytes_ = 0;
};

}  // namespace isthmus::media::data
