#include "media/rtp/retransmission_policy.h"

#include <algorithm>

namespace isthmus::media::rtp {

RetransmissionPolicy::RetransmissionPolicy(RetransmissionLimits limits)
    : limits_(limits),
      tokens_(static_cast<double>(limits.burst_bytes)),
      wishes_(limits.wishes_per_second) {}

bool RetransmissionPolicy::consider(Instant now) {
    if (now != wishes_at_) {
        if (wishes_at_ != Instant::min()) {
            const std::chrono::duration<double> since = now - wishes_at_;
            wishes_ = std::min(wishes_ + since.count() * limits_.wishes_per_second,
                               static_cast<double>(limits_.wishes_per_second));
        }
        wishes_at_ = now;
    }
    if (wishes_ < 1) {
        ++refused_wishes_;
        return false;
    }
    --wishes_;
    return true;
}

void RetransmissionPolicy::on_rtt(Duration rtt) {
    rtt_ = std::max<Duration>(rtt, std::chrono::milliseconds(5));
}

bool RetransmissionPolicy::allow(Instant now, ExtendedSeq seq, std::size_t bytes) {
    if (!sent_) {
        sent_ = std::make_unique<std::array<Sent, kMemory>>();
        refilled_at_ = now;
    }
    Sent& sent = (*sent_)[value_of(seq) % kMemory];
    const bool known = sent.tries > 0 && sent.seq == seq;
    if (known && now - sent.at < rtt_) {
        ++refused_too_soon_;
        return false;
    }
    if (known && sent.tries >= limits_.tries) {
        ++refused_tries_;
        return false;
    }
    const std::chrono::duration<double> since = now - refilled_at_;
    tokens_ = std::min(tokens_ + since.count() * static_cast<double>(limits_.bytes_per_second),
                       static_cast<double>(limits_.burst_bytes));
    refilled_at_ = now;
    if (tokens_ < static_cast<double>(bytes)) {
        ++refused_rate_;
        return false;
    }
    tokens_ -= static_cast<double>(bytes);
    sent =
        Sent{.seq = seq, .at = now, .tries = static_cast<std::uint8_t>(known ? sent.tries + 1 : 1)};
    ++allowed_;
    return true;
}

}  // namespace isthmus::media::rtp
