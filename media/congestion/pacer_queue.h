// Packets that wait for one receiver's pacer, oldest first, in a bounded ring.
//
// Knows an entry's size and the time that it was queued, not what it is. Grows in powers of two up
// to its limit and keeps its memory: after the first moments nothing is allocated.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/pacer.h"

namespace isthmus::media::congestion {

template <typename Entry>
class PacerQueue {
  public:
    explicit PacerQueue(std::size_t entries_max) : entries_max_(std::bit_ceil(entries_max)) {}

    // False, and counted, where the queue is full: the entry is dropped.
    bool push(Instant now, DataSize size, Entry entry) {
        if (count_ == slots_.size() && !grow()) {
            ++dropped_;
            return false;
        }
        slots_[(first_ + count_) & (slots_.size() - 1)] = {
            .queued_at = now, .size = size, .entry = std::move(entry)};
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
        while (!empty() && released + slots_[first_].size <= allowance) {
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

    // Drops those of which `unwanted(const Entry&)` holds, in place: the layer was left, the track
    // ended.
    template <typename Unwanted>
    void drop_if(Unwanted&& unwanted) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            Slot& slot = slots_[(first_ + i) & (slots_.size() - 1)];
            if (unwanted(std::as_const(slot.entry))) {
                bytes_ -= slot.size;
                slot.entry = Entry{};
                continue;
            }
            if (kept != i) {
                slots_[(first_ + kept) & (slots_.size() - 1)] = std::exchange(slot, Slot{});
            }
            ++kept;
        }
        count_ = kept;
    }

    [[nodiscard]] bool empty() const { return count_ == 0; }

    [[nodiscard]] std::size_t size() const { return count_; }

    [[nodiscard]] DataSize bytes() const { return bytes_; }

    // When the first in the queue was queued; of an empty one, the clock's origin.
    [[nodiscard]] Instant oldest() const { return empty() ? Instant{} : slots_[first_].queued_at; }

    [[nodiscard]] Instant next_release(Instant now, const Pacer& pacer) const {
        return pacer.next_release(now, bytes_, oldest());
    }

    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

  private:
    static constexpr std::size_t kEntriesFirst = 16;

    struct Slot {
        Instant queued_at;
        DataSize size;
        Entry entry{};
    };

    template <typename Send>
    DataSize pop(Instant now, Pacer& pacer, Send&& send) {
        Slot& slot = slots_[first_];
        first_ = (first_ + 1) & (slots_.size() - 1);
        --count_;
        bytes_ -= slot.size;
        const DataSize size = slot.size;
        pacer.on_sent(now, size);
        send(std::exchange(slot.entry, Entry{}), size);
        return size;
    }

    bool grow() {
        if (slots_.size() >= entries_max_) {
            return false;
        }
        std::vector<Slot> larger(
            std::min(entries_max_, std::max(kEntriesFirst, slots_.size() * 2)));
        for (std::size_t i = 0; i < count_; ++i) {
            larger[i] = std::move(slots_[(first_ + i) & (slots_.size() - 1)]);
        }
        slots_ = std::move(larger);
        first_ = 0;
        return true;
    }

    std::size_t entries_max_;
    std::vector<Slot> slots_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    DataSize bytes_;
    std::uint64_t dropped_ = 0;
};

}  // namespace isthmus::media::congestion
