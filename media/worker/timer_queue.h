// Which of many things wants to be woken next. One wake-up time per name, changed at will.
//
// A heap with stale entries left in place: set() is cheap where the time did not change or moved
// later, which is what nearly every packet does. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/time.h"

namespace isthmus::media {

// `Id` has a member `value` that hashes.
template <typename Id>
class TimerQueue {
  public:
    // kNever takes the name's timer away.
    void set(Id id, Instant at) {
        if (at == kNever) {
            wanted_.erase(id.value);
            return;
        }
        Entry& entry = wanted_.try_emplace(id.value, Entry{}).first->second;
        entry.wanted = at;
        // An entry in the heap that comes earlier will find the later time when it is due.
        if (at < entry.queued) {
            entry.queued = at;
            heap_.push_back({at, id});
            std::push_heap(heap_.begin(), heap_.end(), Later{});
        }
    }

    void erase(Id id) { wanted_.erase(id.value); }

    // A name whose time has come, taken out of the queue; or nothing.
    [[nodiscard]] std::optional<Id> poll(Instant now) {
        while (!heap_.empty() && heap_.front().first <= now) {
            const auto [at, id] = heap_.front();
            pop();
            const auto found = wanted_.find(id.value);
            if (found == wanted_.end() || found->second.queued != at) {
                continue;  // taken away, or queued again earlier
            }
            if (found->second.wanted > now) {
                found->second.queued = found->second.wanted;
                heap_.push_back({found->second.wanted, id});
                std::push_heap(heap_.begin(), heap_.end(), Later{});
                continue;
            }
            wanted_.erase(found);
            return id;
        }
        return std::nullopt;
    }

    // When poll() may next have something: never later than the earliest timer, sometimes earlier.
    [[nodiscard]] Instant next_timeout() const {
        return heap_.empty() ? kNever : heap_.front().first;
    }

  private:
    struct Entry {
        Instant wanted = kNever;
        Instant queued = kNever;  // the earliest heap entry of this name
    };

    using Queued = std::pair<Instant, Id>;

    struct Later {
        bool operator()(const Queued& a, const Queued& b) const { return a.first > b.first; }
    };

    void pop() {
        std::pop_heap(heap_.begin(), heap_.end(), Later{});
        heap_.pop_back();
    }

    std::vector<Queued> heap_;
    boost::unordered_flat_map<decltype(Id::value), Entry> wanted_;
};

}  // namespace isthmus::media
