#include "media/rtp/nack_generator.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace isthmus::media::rtp {

NackGenerator::NackGenerator(NackLimits limits) : limits_(limits), slots_(limits.window) {
    CHECK(std::has_single_bit(limits.window) && limits.tries > 0);
}

void NackGenerator::clear(Slot& slot) {
    slot = Slot{};
    --missing_;
}

void NackGenerator::on_packet(Instant now, ExtendedSeq seq) {
    now_ = now;
    if (!highest_) {
        highest_ = seq;
        oldest_ = seq;
        return;
    }
    const std::int64_t ahead = distance(*highest_, seq);
    if (ahead == 1) [[likely]] {
        skip_to(advance(seq, 1 - std::int64_t{limits_.window}));
    } else if (ahead <= 0) {
        if (distance(oldest_, seq) >= 0 && missing_ > 0) {
            Slot& slot = slot_of(seq);
            if (slot.due != kNever) {
                counters_.recovered += slot.tries > 0 ? 1 : 0;
                clear(slot);
            }
        }
        return;
    } else if (ahead > limits_.window) {
        skip_to(advance(*highest_, 1));
        oldest_ = seq;
        ++counters_.resets;
    } else {
        skip_to(advance(seq, 1 - std::int64_t{limits_.window}));
        add_missing(now, advance(*highest_, 1), seq);
    }
    highest_ = seq;
}

void NackGenerator::add_missing(Instant now, ExtendedSeq first, ExtendedSeq end) {
    const Instant due = now + limits_.reorder_wait;
    for (ExtendedSeq seq = std::max(first, oldest_); seq < end; seq = advance(seq, 1)) {
        slot_of(seq) = Slot{.due = due, .tries = 0};
        ++missing_;
    }
    next_timeout_ = std::min(next_timeout_, due);
}

void NackGenerator::on_rtt(Duration rtt) {
    rtt_ = std::max<Duration>(rtt, std::chrono::milliseconds(1));
}

void NackGenerator::forget_before(ExtendedSeq seq) {
    skip_to(seq);
}

// Gives up what is older than `oldest`.
void NackGenerator::skip_to(ExtendedSeq oldest) {
    if (distance(oldest_, oldest) <= 0) {
        return;
    }
    if (highest_ && missing_ > 0) {
        const ExtendedSeq end = std::min(oldest, advance(*highest_, 1));
        for (ExtendedSeq seq = oldest_; seq < end && missing_ > 0; seq = advance(seq, 1)) {
            Slot& slot = slot_of(seq);
            if (slot.due != kNever) {
                ++counters_.given_up;
                clear(slot);
            }
        }
    }
    oldest_ = oldest;
    if (missing_ == 0) {
        next_timeout_ = kNever;
    }
}

void NackGenerator::handle_timeout(Instant now) {
    now_ = now;
}

std::optional<std::span<const ExtendedSeq>> NackGenerator::poll_nack() {
    if (missing_ == 0 || !highest_) {
        next_timeout_ = kNever;
        return std::nullopt;
    }
    if (now_ < next_timeout_) {
        return std::nullopt;
    }
    std::size_t count = 0;
    Instant next = kNever;
    bool more = false;
    std::optional<ExtendedSeq> first_missing;
    for (ExtendedSeq seq = oldest_; seq < *highest_; seq = advance(seq, 1)) {
        Slot& slot = slot_of(seq);
        if (slot.due == kNever) {
            continue;
        }
        if (slot.due <= now_) {
            if (slot.tries >= limits_.tries) {
                ++counters_.given_up;
                clear(slot);
                continue;
            }
            if (count == kBatchMax) {
                more = true;
                break;
            }
            batch_[count++] = seq;
            ++slot.tries;
            slot.due = now_ + rtt_;
        }
        first_missing = first_missing.value_or(seq);
        next = std::min(next, slot.due);
    }
    oldest_ = first_missing.value_or(*highest_);
    counters_.requested += count;
    next_timeout_ = more ? now_ : next;
    if (count == 0) {
        return std::nullopt;
    }
    return std::span<const ExtendedSeq>(batch_.data(), count);
}

}  // namespace isthmus::media::rtp
