#include "media/client/frame_watch.h"

#include <algorithm>

namespace isthmus::media::client {

using rtp::advance;
using rtp::distance;
using rtp::ExtendedSeq;

void FrameWatch::on_packet(Instant now, ExtendedSeq seq, bool marker, bool key_start) {
    seen_ = true;
    counters_.key_starts += key_start ? 1 : 0;
    if (!playing_) {
        if (!key_start) {
            return;
        }
        begin_at(seq);
    }
    std::int64_t ahead = distance(next_, seq);
    if (ahead < 0) {
        return;
    }
    if (key_start && ahead > 0) {
        // What is missing before it is of no use any more.
        ++counters_.skips;
        begin_at(seq);
        ahead = 0;
    } else if (ahead >= static_cast<std::int64_t>(kWindow)) {
        // Too much is missing; as after the start, only a key frame helps.
        playing_ = false;
        stalled_since_ = stalled_since_.value_or(now);
        return;
    }
    slot(seq) = marker ? Slot::kLastOfFrame : Slot::kPacket;
    end_ = std::max(end_, advance(seq, 1));
    if (ahead == 0) {
        advance_over(now);
    }
    if (next_ == end_) {
        stalled_since_.reset();
    } else {
        stalled_since_ = stalled_since_.value_or(now);
    }
}

// Packets that came before `seq` are forgotten, those behind it are kept.
void FrameWatch::begin_at(ExtendedSeq seq) {
    const bool keep = playing_ && seq < end_;
    if (keep) {
        for (ExtendedSeq each = next_; each < seq; each = advance(each, 1)) {
            slot(each) = Slot::kEmpty;
        }
    } else {
        slots_.fill(Slot::kEmpty);
        end_ = seq;
    }
    playing_ = true;
    next_ = seq;
}

void FrameWatch::advance_over(Instant now) {
    while (next_ < end_) {
        Slot& here = slot(next_);
        if (here == Slot::kEmpty) {
            return;
        }
        const bool whole = here == Slot::kLastOfFrame;
        here = Slot::kEmpty;
        next_ = advance(next_, 1);
        if (whole) {
            on_whole_frame(now);
        }
    }
}

void FrameWatch::on_whole_frame(Instant now) {
    ++counters_.frames;
    if (!first_frame_at_) {
        first_frame_at_ = now;
        last_frame_at_ = now;
        return;
    }
    const Duration pause = now - last_frame_at_;
    last_frame_at_ = now;
    if (is_freeze(pause)) {
        ++counters_.freezes;
        counters_.frozen += pause;
        return;
    }
    usual_pause_ = usual_pause_ == Duration::zero()
                       ? pause
                       : usual_pause_ + (pause - usual_pause_) / kSmoothing;
}

bool FrameWatch::is_freeze(Duration pause) const {
    return usual_pause_ != Duration::zero() &&
           pause > std::max(3 * usual_pause_, usual_pause_ + kFreezeExtra);
}

Duration FrameWatch::frozen(Instant now) const {
    const Duration pause = first_frame_at_ ? now - last_frame_at_ : Duration::zero();
    return counters_.frozen + (is_freeze(pause) ? pause : Duration::zero());
}

}  // namespace isthmus::media::client
