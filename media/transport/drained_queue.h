// What waits for a poll function: filled while one input is handled, then drained whole.
//
// Holds no memory while it is empty, which is nearly always: a std::deque keeps half a KiB, and
// there are several of these for each client.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace isthmus::media::transport {

template <typename Item>
class DrainedQueue {
  public:
    void push(Item item) { items_.push_back(std::move(item)); }

    // The oldest one.
    [[nodiscard]] std::optional<Item> pop() {
        if (empty()) {
            return std::nullopt;
        }
        std::optional<Item> item(std::move(items_[next_]));
        ++next_;
        if (next_ == items_.size()) {
            std::vector<Item>().swap(items_);  // gives the memory back, which clear() does not
            next_ = 0;
        }
        return item;
    }

    [[nodiscard]] std::size_t size() const { return items_.size() - next_; }

    [[nodiscard]] bool empty() const { return size() == 0; }

  private:
    std::vector<Item> items_;
    std::size_t next_ = 0;
};

}  // namespace isthmus::media::transport
