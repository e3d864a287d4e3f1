// Any order of arrivals, drops, switches, losses and times through everything that keeps state
// about a stream: what is promised holds whatever the network and the peers do. Input: steps of
// four bytes: what happens, milliseconds since the step before, a sequence number.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/rtp/nack_generator.h"
#include "media/rtp/receive_stream.h"
#include "media/rtp/retransmission_cache.h"
#include "media/rtp/retransmission_policy.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/sequence_rewriter.h"
#include "media/rtp/twcc_feedback.h"

namespace isthmus::media::rtp {
namespace {

class Streams {
  public:
    void step(std::uint8_t what, Duration since, std::uint16_t seq) {
        now_ += since;
        handle_timeouts();
        switch (what % 4U) {
            case 0:
            case 1:
                on_packet(seq, what % 8U >= 4);
                break;
            case 2:
                on_nack(seq);
                break;
            default:
                switch_source(seq);
                break;
        }
        drain();
    }

  private:
    void on_packet(std::uint16_t seq, bool drop) {
        static constexpr std::array<std::byte, 40> kPayload{};
        RtpPacketView packet;
        packet.seq = seq;
        packet.timestamp = RtpTimestamp{seq * 3000U};
        packet.payload = kPayload;
        twcc_.on_packet(now_, seq);
        const Arrival arrival = receive_.on_packet(now_, packet);
        if (!arrival.is_new()) {
            return;
        }
        nacks_.on_packet(now_, arrival.seq);
        if (cache_.store(now_, arrival.seq, packet)) {
            CHECK(cache_.find(now_, arrival.seq)->seq == seq);
        }
        const SourcePacket source{.source = source_, .seq = arrival.seq};
        if (drop) {
            rewriter_.on_dropped(source);
            return;
        }
        const auto out = rewriter_.rewrite(now_, source, packet.timestamp);
        if (out) {
            // A number stands for one packet, for ever.
            const auto [known, fresh] = numbers_.try_emplace(value_of(out->seq), source);
            CHECK(known->second == source);
            CHECK(out->seq <= rewriter_.highest());
        }
    }

    void on_nack(std::uint16_t seq) {
        const auto source = rewriter_.find(seq);
        const ExtendedSeq extended = rewriter_.extend(seq);
        if (!source) {
            return;
        }
        const auto known = numbers_.find(value_of(extended));
        CHECK(known == numbers_.end() || known->second == *source);
        static_cast<void>(policy_.allow(now_, extended, 1000));
    }

    void switch_source(std::uint16_t seq) {
        ++source_;
        rewriter_.switch_source(now_,
                                {.source = source_,
                                 .seq = nearest_extended_seq(
                                     receive_.highest().value_or(make_extended_seq(1, seq)), seq),
                                 .timestamp = RtpTimestamp{seq}});
    }

    void handle_timeouts() {
        nacks_.handle_timeout(now_);
        twcc_.handle_timeout(now_);
        if (now_ >= next_report_) {
            static_cast<void>(receive_.make_report_block(now_));
            cache_.trim(now_);
            next_report_ = now_ + std::chrono::seconds(1);
        }
    }

    void drain() {
        std::array<std::byte, 1200> buffer{};
        std::size_t batches = 0;
        while (const auto batch = nacks_.poll_nack()) {
            RtcpWriter writer(buffer);
            CHECK(writer.nack(1, 2, *batch));
            CHECK(++batches <= 8);  // a window of 512 in batches of 64
        }
        CHECK(nacks_.next_timeout() > now_);
        CHECK((nacks_.next_timeout() == kNever) == (nacks_.missing() == 0));
        for (std::size_t messages = 0;; ++messages) {
            RtcpWriter writer(buffer);
            if (!twcc_.write_feedback(writer, 1, 2)) {
                break;
            }
            CHECK(messages < 2000);
            CHECK(RtcpReader::parse(writer.bytes())->next().has_value());
        }
        CHECK(!twcc_.pending());
    }

    Instant now_{};
    Instant next_report_{};
    std::uint32_t source_ = 0;
    ReceiveStream receive_{1, 90000};
    NackGenerator nacks_{{}};
    RetransmissionCache cache_{{}};
    RetransmissionPolicy policy_{{}};
    TwccFeedback twcc_;
    SequenceRewriter rewriter_{{.seq = 0x7ff0, .timestamp = {}}};
    std::map<std::uint64_t, SourcePacket> numbers_;
};

}  // namespace
}  // namespace isthmus::media::rtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto input = std::as_bytes(std::span(data, size));
    isthmus::media::rtp::Streams streams;
    for (; input.size() >= 4; input = input.subspan(4)) {
        streams.step(isthmus::load_u8(&input[0]),
                     std::chrono::milliseconds(isthmus::load_u8(&input[1])),
                     isthmus::load_be16(&input[2]));
    }
    return 0;
}
