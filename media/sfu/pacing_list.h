// Whose packets wait for their pacer, when the next of them may leave, and where they wait.
//
// One per worker. A participant is in it while its Downlink keeps packets back; the worker visits
// all that are due in one go, so that their packets share a batch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/time.h"
#include "media/congestion/pacer_queue.h"
#include "media/sfu/outgoing_packet.h"
#include "media/sfu/participant_id.h"

namespace isthmus::media::sfu {

class PacingList {
  public:
    // Not again before release_due() let go of it.
    void add(ParticipantId id, Instant at) {
        waiting_.push_back({id, at});
        next_ = std::min(next_, at);
    }

    using Pool = congestion::PacerPool<OutgoingPacket>;

    // For the queues of all participants.
    [[nodiscard]] Pool& pool() { return pool_; }

    [[nodiscard]] Instant next_timeout() const { return next_; }

    // Calls `release(id)` for each that is due; it returns when the next is, or kNever where
    // nothing waits any more (also where the participant is gone).
    template <typename Release>
    void release_due(Instant now, Release&& release) {
        if (now < next_) {
            return;
        }
        next_ = kNever;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < waiting_.size(); ++i) {
            Waiting one = waiting_[i];
            if (one.at <= now) {
                one.at = release(one.id);
            }
            if (one.at != kNever) {
                next_ = std::min(next_, one.at);
                waiting_[kept++] = one;
            }
        }
        waiting_.resize(kept);
    }

    [[nodiscard]] std::size_t size() const { return waiting_.size(); }

  private:
    struct Waiting {
        ParticipantId id;
        Instant at{};
    };

    // 100 bytes each.
    static constexpr std::size_t kPacketsMax = std::size_t{1} << 19U;

    Pool pool_{kPacketsMax};
    std::vector<Waiting> waiting_;
    Instant next_ = kNever;
};

}  // namespace isthmus::media::sfu
