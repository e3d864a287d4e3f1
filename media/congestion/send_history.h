// Remembers what was sent towards one receiver, by transport-wide sequence number, and turns the
// receiver's feedback into what became of each packet.
//
// A ring of eight bytes a packet, allocated with the first one. Believes nothing: packets never
// sent, told of twice or forgotten are counted and skipped, and what the receiver may say is
// bounded by what it was sent. Leaves out what the results mean (delay_detector.h, loss_control.h).
//
// Specification: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/data_rate.h"
#include "base/prefetch.h"
#include "base/time.h"
#include "media/congestion/packet_result.h"
#include "media/congestion/reference_time.h"
#include "media/rtp/rtcp_messages.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::congestion {

struct SendHistoryCounters {
    std::uint64_t received = 0;   // first told of as received
    std::uint64_t lost = 0;       // first told of as lost; some are received later
    std::uint64_t repeated = 0;   // told of again
    std::uint64_t unknown = 0;    // never sent, or forgotten
    std::uint64_t refused = 0;    // feedback messages that tell of more than there can be
    std::uint64_t truncated = 0;  // feedback messages whose bytes do not suffice
};

class SendHistory {
  public:
    // 0.3 s (a round trip and a feedback interval) at 33 Mbit/s of 1200-byte packets.
    static constexpr std::size_t kPacketsDefault = 1024;

    // `packets` is a power of two, at most 32768.
    explicit SendHistory(std::size_t packets = kPacketsDefault);

    // Numbers are used in order; those left out count as never sent.
    void on_packet_sent(Instant now, const SentPacket& packet);

    void prefetch_next() const {
        if (!entries_.empty()) {
            prefetch(&entries_[end_ & (packets_ - 1)], sizeof(Entry) * 8);
        }
        prefetch(this, sizeof *this);
    }

    // Calls `visit(const PacketResult&)` for each packet that the message says something new of, in
    // order of their numbers. False where the message is refused.
    template <typename Visit>
    bool on_feedback(Instant now, const rtp::TransportFeedback& feedback, Visit&& visit);

    struct Report {
        std::uint16_t seq = 0;
        bool received = false;
        std::optional<Duration> arrived_at;
    };

    // The same for one packet, told of in another way (RFC 8888).
    template <typename Visit>
    void on_report(Instant now, const Report& report, Visit&& visit);

    // May the receiver tell of this many packets? Taken from what it may tell in all.
    [[nodiscard]] bool admit(std::size_t statuses);

    [[nodiscard]] std::uint16_t newest_seq() const { return static_cast<std::uint16_t>(end_ - 1); }

    // Sent after the newest packet that the receiver told of.
    [[nodiscard]] DataSize in_flight() const { return DataSize::bytes(in_flight_bytes_); }

    [[nodiscard]] const SendHistoryCounters& counters() const { return counters_; }

    // Bytes of memory.
    [[nodiscard]] std::size_t memory_bytes() const { return entries_.capacity() * sizeof(Entry); }

  private:
    enum class State : std::uint8_t { kNone, kInFlight, kLost, kReceived };
    static constexpr std::uint8_t kStateMask = 3;
    static constexpr std::uint8_t kPadding = 4;

    struct Entry {
        std::uint32_t sent_us = 0;  // since the clock's origin, modulo 2^32: 71 minutes
        std::uint16_t bytes = 0;
        ProbeClusterId probe = kNoProbe;
        std::uint8_t padding_and_state = 0;

        [[nodiscard]] State state() const { return State(padding_and_state & kStateMask); }

        [[nodiscard]] bool is_padding() const { return (padding_and_state & kPadding) != 0; }

        void set(State state) {
            padding_and_state = static_cast<std::uint8_t>((padding_and_state & kPadding) |
                                                          static_cast<std::uint8_t>(state));
        }
    };

    static_assert(sizeof(Entry) == 8);

    // Every packet may be told of this many times, so that lost feedback can be repeated.
    static constexpr std::size_t kStatusesPerPacket = 4;

    [[nodiscard]] Entry& entry(std::uint64_t seq) { return entries_[seq & (packets_ - 1)]; }

    [[nodiscard]] static std::uint32_t micros(Instant at) {
        return static_cast<std::uint32_t>(at.time_since_epoch() / std::chrono::microseconds(1));
    }

    [[nodiscard]] static Instant sent_at(Instant now, const Entry& entry) {
        return now - std::chrono::microseconds(micros(now) - entry.sent_us);
    }

    // The packet that is meant, or null, counted.
    Entry* find(rtp::ExtendedSeq seq);
    void acknowledge_up_to(std::uint64_t seq);
    void skip_to(std::uint64_t seq);

    std::size_t packets_;
    std::vector<Entry> entries_;
    std::uint64_t end_ = 0;    // one behind the newest; 0: nothing was sent
    std::uint64_t acked_ = 0;  // one behind the newest that the receiver told of
    std::int64_t in_flight_bytes_ = 0;
    std::size_t credit_;  // statuses that the receiver may still tell
    ReferenceTime reference_;
    SendHistoryCounters counters_;
};

template <typename Visit>
void SendHistory::on_report(Instant now, const Report& report, Visit&& visit) {
    if (end_ == 0) {
        ++counters_.unknown;
        return;
    }
    const rtp::ExtendedSeq seq = rtp::nearest_extended_seq(rtp::ExtendedSeq{end_ - 1}, report.seq);
    Entry* const sent = find(seq);
    if (sent == nullptr) {
        return;
    }
    acknowledge_up_to(rtp::value_of(seq));
    const State told = report.received ? State::kReceived : State::kLost;
    if (sent->state() >= told) {
        ++counters_.repeated;
        return;
    }
    ++(report.received ? counters_.received : counters_.lost);
    const bool was_lost = sent->state() == State::kLost;
    sent->set(told);
    visit(PacketResult{.seq = seq,
                       .sent_at = sent_at(now, *sent),
                       .arrived_at = report.arrived_at,
                       .bytes = sent->bytes,
                       .probe = sent->probe,
                       .is_padding = sent->is_padding(),
                       .received = report.received,
                       .was_lost = was_lost});
}

template <typename Visit>
bool SendHistory::on_feedback(Instant now, const rtp::TransportFeedback& feedback, Visit&& visit) {
    if (!admit(feedback.status_count)) {
        return false;
    }
    constexpr Duration kTick = std::chrono::microseconds(250);
    Duration at = reference_.unwrap(feedback.reference_64ms);
    const bool whole = feedback.for_each([&](std::uint16_t seq, std::optional<std::int32_t> delta) {
        if (delta) {
            at += *delta * kTick;
            on_report(now, {.seq = seq, .received = true, .arrived_at = at}, visit);
        } else {
            on_report(now, {.seq = seq}, visit);
        }
    });
    counters_.truncated += whole ? 0 : 1;
    return true;
}

}  // namespace isthmus::media::congestion
