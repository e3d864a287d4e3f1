// Packets that wait for one receiver's pacer, oldest first, in a bounded list.
//
// Knows an entry's size and the time that it was queued, not what it is. The entries of all queues
// of a worker lie in one pool, so that memory goes with what waits, not with how many receivers
// there are and how much each of them ever had to wait.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/pacer.h"

namespace isthmus::media::congestion {

// One per worker. Grows in chunks and keeps them: after the first moments nothing is allocated.
template <typename Entry>
class PacerPool {
  public:
    struct Slot {
        Instant queued_at;
        DataSize size;
        Entry entry{};
        Slot* next = nullptr;
    };

    // Slots of all queues together, at most.
    explicit PacerPool(std::size_t slots_max) : slots_max_(slots_max) {}

    // Null where all are in use.
    [[nodiscard]] Slot* take() {
        if (free_ == nullptr && !grow()) {
            return nullptr;
        }
        Slot* const slot = free_;
        free_ = slot->next;
        slot->next = nullptr;
        return slot;
    }

    void give_back(Slot* slot) {
        slot->entry = Entry{};
        slot->next = free_;
        free_ = slot;
    }

  private:
    static constexpr std::size_t kChunk = 256;

    bool grow() {
        if ((chunks_.size() + 1) * kChunk > slots_max_) {
            return false;
        }
        chunks_.push_back(std::make_unique<Slot[]>(kChunk));
        for (std::size_t i = 0; i < kChunk; ++i) {
            chunks_.back()[i].next = free_;
            free_ = &chunks_.back()[i];
        }
        return true;
    }

    std::size_t slots_max_;
    std::vector<std::unique_ptr<Slot[]>> chunks_;
    Slot* free_ = nullptr;
};

template <typename Entry>
class PacerQueue {
  public:
    using Pool = PacerPool<Entry>;

    // `pool` outlives the queue.
    PacerQueue(Pool& pool, std::size_t entries_max) : pool_(pool), entries_max_(entries_max) {}

    ~PacerQueue() {
        while (!empty()) {
            pool_.give_back(unlink_first());
        }
    }

    PacerQueue(const PacerQueue&) = delete;
    PacerQueue& operator=(const PacerQueue&) = delete;

    // False, and counted, where the queue or the pool is full: the entry is dropped.
    bool push(Instant now, DataSize size, Entry entry) {
        Slot* const slot = count_ < entries_max_ ? pool_.take() : nullptr;
        if (slot == nullptr) {
            ++dropped_;
            return false;
        }
        slot->queued_at = now;
        slot->size = size;
        slot->entry = std::move(entry);
        (last_ == nullptr ? first_ : last_->next) = slot;
        last_ = slot;
        ++count_;
        bytes_ += size;
        return true;
    }

    // Hands out one release, where one is due: calls `send(Entry&&, DataSize)` for each packet.
    // Returns how much it was.
    template <typename Send>
    DataSize release(Instant now, Pacer& pacer, Send&& send) {
        DataSize released;
        if (next_release(now, pacer) > now) {
            return released;
        }
        const DataSize allowance = pacer.allowance(now, bytes_, oldest());
        while (!empty() && released + first_->size <= allowance) {
            released += pop(now, pacer, send);
        }
        return released;
    }

    // For a probe: at least `size`, as far as there is, whatever the pacer says.
    template <typename Send>
    DataSize release_at_least(Instant now, DataSize size, Pacer& pacer, Send&& send) {
        DataSize released;
        while (!empty() && released < size) {
            released += pop(now, pacer, send);
        }
        return released;
    }

    // Drops those of which `unwanted(const Entry&)` holds: the layer was left, the track ended.
    template <typename Unwanted>
    void drop_if(Unwanted&& unwanted) {
        const std::size_t count = count_;
        for (std::size_t i = 0; i < count; ++i) {
            Slot* const slot = unlink_first();
            if (unwanted(std::as_const(slot->entry))) {
                pool_.give_back(slot);
                continue;
            }
            (last_ == nullptr ? first_ : last_->next) = slot;
            last_ = slot;
            ++count_;
            bytes_ += slot->size;
        }
    }

    [[nodiscard]] bool empty() const { return count_ == 0; }

    [[nodiscard]] std::size_t size() const { return count_; }

    [[nodiscard]] DataSize bytes() const { return bytes_; }

    // When the first in the queue was queued; of an empty one, the clock's origin.
    [[nodiscard]] Instant oldest() const { return empty() ? Instant{} : first_->queued_at; }

    [[nodiscard]] Instant next_release(Instant now, const Pacer& pacer) const {
        return pacer.next_release(now, bytes_, oldest());
    }

    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

  private:
    using Slot = typename Pool::Slot;

    Slot* unlink_first() {
        Slot* const slot = first_;
        first_ = std::exchange(slot->next, nullptr);
        if (first_ == nullptr) {
            last_ = nullptr;
        }
        --count_;
        bytes_ -= slot->size;
        return slot;
    }

    template <typename Send>
    DataSize pop(Instant now, Pacer& pacer, Send&& send) {
        Slot* const slot = unlink_first();
        const DataSize size = slot->size;
        pacer.on_sent(now, size);
        send(std::move(slot->entry), size);
        pool_.give_back(slot);
        return size;
    }

    Pool& pool_;
    std::size_t entries_max_;
    Slot* first_ = nullptr;
    Slot* last_ = nullptr;
    std::size_t count_ = 0;
    DataSize bytes_;
    std::uint64_t dropped_ = 0;
};

}  // namespace isthmus::media::congestion
