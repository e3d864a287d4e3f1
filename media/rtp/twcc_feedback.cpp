#include "media/rtp/twcc_feedback.h"

#include <algorithm>

namespace isthmus::media::rtp {
namespace {

constexpr Duration kTick = std::chrono::microseconds(250);
constexpr std::int64_t kTicksPerReference = 256;  // 64 ms

}  // namespace

TwccFeedback::TwccFeedback(Duration interval)
    : interval_(std::clamp<Duration>(
          interval, std::chrono::milliseconds(50), std::chrono::milliseconds(250))) {}

void TwccFeedback::forget(ExtendedSeq begin, ExtendedSeq end) {
    for (ExtendedSeq seq = begin; seq < end; seq = advance(seq, 1)) {
        forgotten_ += arrival(seq) != kNone ? 1 : 0;
    }
}

void TwccFeedback::on_packet(Instant now, std::uint16_t seq16) {
    constexpr auto kSize = static_cast<std::int64_t>(kWindow);
    const bool first = !unwrapper_.highest();
    const ExtendedSeq seq = unwrapper_.unwrap(seq16);
    if (first) {
        arrivals_.assign(kWindow, kNone);
        begin_ = seq;
        end_ = seq;
    }
    const std::int64_t ahead = distance(end_, seq);
    if (ahead >= kSize) {
        forget(begin_, end_);
        std::ranges::fill(arrivals_, kNone);
        begin_ = seq;
    } else if (ahead >= 0) {
        const ExtendedSeq oldest = advance(seq, 1 - kSize);
        if (distance(begin_, oldest) > 0) {
            forget(begin_, std::min(oldest, end_));
            begin_ = oldest;
        }
        for (ExtendedSeq between = end_; between < seq; between = advance(between, 1)) {
            arrival(between) = kNone;
        }
    } else if (ahead < -kSize || arrival(seq) != kNone) {
        forgotten_ += ahead < -kSize ? 1 : 0;
        return;
    } else {
        begin_ = std::min(begin_, seq);
    }
    arrival(seq) = now.time_since_epoch() / kTick;
    end_ = std::max(end_, advance(seq, 1));
    if (next_timeout_ == kNever && !due_) {
        next_timeout_ = now + interval_;
    }
}

void TwccFeedback::handle_timeout(Instant now) {
    if (now >= next_timeout_) {
        due_ = true;
        next_timeout_ = kNever;
    }
}

// Fills deltas_ with what one message can tell from begin_ on.
TwccFeedback::Message TwccFeedback::collect() {
    ExtendedSeq received = begin_;
    while (received < end_ && arrival(received) == kNone) {
        received = advance(received, 1);
    }
    // The last before end_ has arrived. A message of nothing but losses has no time: what does not
    // fit before the first arrival is left out.
    begin_ = std::max(begin_, advance(received, 1 - static_cast<std::int64_t>(kStatusesMax)));
    const std::int64_t reference = arrival(received) / kTicksPerReference;
    std::int64_t last = reference * kTicksPerReference;
    std::size_t count = 0;
    for (ExtendedSeq seq = begin_; seq < end_ && count < kStatusesMax; seq = advance(seq, 1)) {
        const std::int64_t at = arrival(seq);
        if (at == kNone) {
            deltas_[count++] = RtcpWriter::kNotReceived;
            continue;
        }
        const std::int64_t delta = at - last;
        if (delta < -0x8000 || delta > 0x7fff) {
            break;  // more than 8 s apart: the next message has a reference of its own
        }
        deltas_[count++] = static_cast<std::int32_t>(delta);
        last = at;
    }
    return {.reference_64ms = static_cast<std::int32_t>(reference & 0xff'ffff), .count = count};
}

bool TwccFeedback::write_feedback(RtcpWriter& writer,
                                  std::uint32_t sender_ssrc,
                                  std::uint32_t media_ssrc) {
    if (!due_) {
        return false;
    }
    const Message message = collect();
    const TransportFeedback head{.sender_ssrc = sender_ssrc,
                                 .media_ssrc = media_ssrc,
                                 .base_seq = seq16_of(begin_),
                                 .status_count = 0,
                                 .reference_64ms = message.reference_64ms,
                                 .feedback_count = feedback_count_,
                                 .chunks = {}};
    if (!writer.transport_feedback(head, std::span(deltas_).first(message.count))) {
        return false;
    }
    ++feedback_count_;
    begin_ = advance(begin_, static_cast<std::int64_t>(message.count));
    due_ = begin_ < end_;
    return true;
}

}  // namespace isthmus::media::rtp
