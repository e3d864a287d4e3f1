// A bounded, lock-free queue of byte records between two threads: one writes, one reads.
//
// Records lie in one block of memory, each contiguous, aligned to kAlign. A record that does not
// fit is refused and counted; nothing waits. The writer publishes records in batches, so that both
// threads touch the shared counters once per batch.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

namespace isthmus {

// The padding keeps what one thread writes away from the cache lines that the other reads.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
class SpscRing {
  public:
    static constexpr std::size_t kAlign = 8;

    // `bytes` is rounded up to a power of two. Memory is touched, and so taken, as it is used.
    explicit SpscRing(std::size_t bytes)
        : size_(std::bit_ceil(std::max(bytes, kAlign * 4))),
          memory_(std::make_unique_for_overwrite<std::byte[]>(size_)) {}

    // Writer. Room for a record of `bytes`, filled before the next call; nothing where the ring is
    // full. The reader sees it after publish().
    [[nodiscard]] std::optional<std::span<std::byte>> reserve(std::size_t bytes) {
        const std::size_t taken = kHeaderBytes + aligned(bytes);
        std::size_t at = written_ & (size_ - 1);
        std::size_t skipped = 0;
        if (at + taken > size_) {
            skipped = size_ - at;  // records do not wrap: what is left of this lap stays empty
            at = 0;
        }
        if (!has_room(skipped + taken)) {
            refused_.fetch_add(1, std::memory_order_relaxed);
            return std::nullopt;
        }
        if (skipped != 0) {
            store_size(written_ & (size_ - 1), kSkip);
        }
        store_size(at, bytes);
        written_ += skipped + taken;
        return std::span(memory_.get() + at + kHeaderBytes, bytes);
    }

    // Writer. True where there was anything to publish.
    bool publish() {
        if (published_ == written_) {
            return false;
        }
        published_ = written_;
        end_.store(written_, std::memory_order_release);
        return true;
    }

    // Reader. The oldest record that was not popped; nothing where there is none. Good until
    // release().
    [[nodiscard]] std::optional<std::span<std::byte>> front() {
        if (read_ == known_end_) {
            known_end_ = end_.load(std::memory_order_acquire);
            if (read_ == known_end_) {
                return std::nullopt;
            }
        }
        std::size_t at = read_ & (size_ - 1);
        if (load_size(at) == kSkip) {
            read_ += size_ - at;
            at = 0;
        }
        return std::span(memory_.get() + at + kHeaderBytes, load_size(at));
    }

    // Reader. After front().
    void pop() { read_ += kHeaderBytes + aligned(load_size(read_ & (size_ - 1))); }

    // Reader. Gives the room of all that was popped back to the writer.
    void release() { begin_.store(read_, std::memory_order_release); }

    // Any thread.
    [[nodiscard]] std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

    // Any thread, roughly. Bytes published and not read.
    [[nodiscard]] std::size_t used_bytes() const {
        const std::uint64_t begin = begin_.load(std::memory_order_relaxed);
        return static_cast<std::size_t>(end_.load(std::memory_order_relaxed) - begin);
    }

    [[nodiscard]] std::size_t size_bytes() const { return size_; }

  private:
    static constexpr std::size_t kHeaderBytes = kAlign;
    static constexpr std::uint64_t kSkip = ~std::uint64_t{0};
    static constexpr std::size_t kCacheLine = 64;

    static constexpr std::size_t aligned(std::size_t bytes) {
        return (bytes + kAlign - 1) & ~(kAlign - 1);
    }

    [[nodiscard]] bool has_room(std::size_t bytes) {
        if (written_ + bytes - known_begin_ <= size_) {
            return true;
        }
        known_begin_ = begin_.load(std::memory_order_acquire);
        return written_ + bytes - known_begin_ <= size_;
    }

    void store_size(std::size_t at, std::uint64_t bytes) {
        std::memcpy(memory_.get() + at, &bytes, sizeof bytes);
    }

    [[nodiscard]] std::uint64_t load_size(std::size_t at) const {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, memory_.get() + at, sizeof bytes);
        return bytes;
    }

    const std::size_t size_;
    const std::unique_ptr<std::byte[]> memory_;

    // Positions count bytes since the beginning and never wrap.
    alignas(kCacheLine) std::atomic<std::uint64_t> end_ = 0;    // written by the writer
    alignas(kCacheLine) std::atomic<std::uint64_t> begin_ = 0;  // written by the reader

    alignas(kCacheLine) std::uint64_t written_ = 0;  // writer's own from here
    std::uint64_t published_ = 0;
    std::uint64_t known_begin_ = 0;
    std::atomic<std::uint64_t> refused_ = 0;

    alignas(kCacheLine) std::uint64_t read_ = 0;  // reader's own from here
    std::uint64_t known_end_ = 0;
};

}  // namespace isthmus
