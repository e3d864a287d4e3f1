// How much of what clients sent on data channels waits for the signaling thread. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace isthmus::media {

class DataBacklog {
  public:
    // Of all clients together; each of them is held to data::DataLimits.
    static constexpr std::size_t kBytesMax = std::size_t{64} * 1024 * 1024;

    // False where too much waits already: the message is lost, and counted.
    [[nodiscard]] bool admit(std::size_t bytes) {
        if (bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= kBytesMax) {
            return true;
        }
        bytes_.fetch_sub(bytes, std::memory_order_relaxed);
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }

    void release(std::size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

    // Waiting now.
    [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::size_t> bytes_ = 0;
    std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace isthmus::media
