#include "media/congestion/send_history.h"

#include <bit>

#include "base/check.h"

namespace isthmus::media::congestion {

SendHistory::SendHistory(std::size_t packets) : packets_(packets), credit_(packets) {
    CHECK(std::has_single_bit(packets) && packets <= 0x8000);
}

void SendHistory::skip_to(std::uint64_t seq) {
    if (seq - end_ >= packets_) {
        acknowledge_up_to(end_ - 1);
        std::ranges::fill(entries_, Entry{});
        acked_ = seq;
    }
    for (; end_ < seq && seq - end_ < packets_; ++end_) {
        if (end_ - acked_ >= packets_) {
            acknowledge_up_to(end_ - packets_);
        }
        entry(end_) = Entry{};
    }
}

void SendHistory::on_packet_sent(Instant now, const SentPacket& packet) {
    if (entries_.empty()) {
        entries_.resize(packets_);
        // One cycle up, so that numbers before the first are positive too.
        end_ = rtp::value_of(rtp::make_extended_seq(1, packet.seq));
        acked_ = end_;
    }
    // SPEC draft-holmer-rmcat-transport-wide-cc-extensions-01#2: one more for every packet.
    const std::uint64_t seq =
        end_ + static_cast<std::uint16_t>(packet.seq - static_cast<std::uint16_t>(end_));
    if (seq != end_) [[unlikely]] {
        skip_to(seq);
    }
    if (seq - acked_ >= packets_) [[unlikely]] {
        acknowledge_up_to(seq - packets_);
    }
    Entry& sent = entry(seq);
    sent = {.sent_us = micros(now),
            .bytes = packet.bytes,
            .probe = packet.probe,
            .padding_and_state = packet.is_padding ? kPadding : std::uint8_t{0}};
    sent.set(State::kInFlight);
    end_ = seq + 1;
    in_flight_bytes_ += packet.bytes;
    credit_ = std::min(credit_ + kStatusesPerPacket, kStatusesPerPacket * packets_);
}

bool SendHistory::admit(std::size_t statuses) {
    if (statuses > credit_) {
        ++counters_.refused;
        return false;
    }
    credit_ -= statuses;
    return true;
}

SendHistory::Entry* SendHistory::find(rtp::ExtendedSeq seq) {
    const std::uint64_t value = rtp::value_of(seq);
    if (value >= end_ || end_ - value > packets_ || entry(value).state() == State::kNone) {
        ++counters_.unknown;
        return nullptr;
    }
    return &entry(value);
}

void SendHistory::acknowledge_up_to(std::uint64_t seq) {
    for (; acked_ <= seq; ++acked_) {
        in_flight_bytes_ -= entry(acked_).bytes;
    }
}

}  // namespace isthmus::media::congestion
