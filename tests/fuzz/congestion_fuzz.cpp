// A receiver that says anything: feedback of both kinds, REMB and reports in any order, between
// packets that are really sent. The controller keeps its bounds and its work bounded.
//
// Each step is a byte that says what happens, and bytes that say how.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "base/check.h"
#include "media/congestion/report_control.h"
#include "media/congestion/send_side_controller.h"
#include "media/rtp/rtcp_reader.h"

namespace isthmus::media::congestion {
namespace {

class Run {
  public:
    explicit Run(std::span<const std::byte> input)
        : input_(input),
          config_{.feedback_by_stream = (next() & 1U) != 0, .history_packets = 64},
          controller_(config_) {}

    void run() {
        while (!input_.empty()) {
            step();
            check();
        }
    }

  private:
    std::uint8_t next() {
        if (input_.empty()) {
            return 0;
        }
        const auto value = static_cast<std::uint8_t>(input_.front());
        input_ = input_.subspan(1);
        return value;
    }

    void step() {
        switch (next() % 6) {
            case 0:
                send(next() % 32U);
                break;
            case 1:
                hear(input_.first(std::min<std::size_t>(next(), input_.size())));
                break;
            case 2:
                now_ += std::chrono::milliseconds(next());
                break;
            case 3:
                now_ += std::chrono::seconds(next());
                break;
            case 4:
                report(next(), next());
                break;
            default:
                want({.next = DataRate::kbps(50LL * next()),
                      .used = DataRate::kbps(20LL * next()),
                      .most = DataRate::kbps(100LL * next())});
                seq_ = static_cast<std::uint16_t>(seq_ + next());
                break;
        }
        if (now_ >= controller_.next_timeout()) {
            controller_.handle_timeout(now_);
        }
    }

    // Of the streams together; no more is ever told lost than was sent.
    void report(std::uint32_t packets, std::uint32_t lost) {
        const Duration round_trip = std::chrono::milliseconds(next());
        reports_.on_reports(
            now_,
            {.packets = packets,
             .lost = std::min(packets, lost),
             .round_trip = lost % 2 == 0 ? std::optional(round_trip) : std::nullopt},
            sent_);
    }

    void send(unsigned packets) {
        for (unsigned i = 0; i < packets; ++i) {
            const auto probe = controller_.poll_probe(now_);
            const std::uint16_t seq = seq_++;
            sent_ += DataSize::bytes(1200);
            controller_.on_packet_sent(now_,
                                       {.seq = seq,
                                        .bytes = 1200,
                                        .probe = probe ? probe->cluster : kNoProbe,
                                        .is_padding = probe.has_value(),
                                        .ssrc = seq % 3U,
                                        .rtp_seq = static_cast<std::uint16_t>(seq / 3)});
        }
    }

    void hear(std::span<const std::byte> packet) {
        input_ = input_.subspan(packet.size());
        auto reader = rtp::RtcpReader::parse(packet);
        while (reader) {
            const auto message = reader->next();
            if (!message) {
                return;
            }
            if (const auto* feedback = std::get_if<rtp::TransportFeedback>(&*message)) {
                controller_.on_transport_feedback(now_, *feedback);
            } else if (const auto* by_stream = std::get_if<rtp::CongestionFeedback>(&*message)) {
                controller_.on_congestion_feedback(now_, *by_stream);
            } else if (const auto* remb = std::get_if<rtp::Remb>(&*message)) {
                const auto limit =
                    DataRate::bps(static_cast<std::int64_t>(remb->bitrate_bps >> 1U));
                controller_.on_remb(now_, limit);
                reports_.on_remb(now_, limit, sent_);
            }
        }
    }

    void want(const WantedRates& wanted) {
        controller_.set_wanted(wanted);
        reports_.set_wanted(wanted);
    }

    void check() const {
        CHECK(reports_.target() >= config_.min);
        CHECK(reports_.target().is_unlimited() || reports_.target() <= config_.max);
        CHECK(reports_.loss() >= 0 && reports_.loss() <= 1);
        CHECK(controller_.target() >= config_.min && controller_.target() <= config_.max);
        CHECK(controller_.in_flight() >= DataSize());
        CHECK(controller_.in_flight() <= DataSize::bytes(64LL * 1200));
        const CongestionStats stats = controller_.stats();
        CHECK(stats.loss >= 0 && stats.loss <= 1);
        CHECK(!stats.throughput || *stats.throughput >= DataRate());
        CHECK(!stats.round_trip || *stats.round_trip >= Duration::zero());
    }

    std::span<const std::byte> input_;
    CongestionConfig config_;
    SendSideController controller_;
    ReportControl reports_{config_.min, config_.max};
    DataSize sent_;
    Instant now_ = Instant{} + std::chrono::hours(1);
    std::uint16_t seq_ = 0;
};

}  // namespace
}  // namespace isthmus::media::congestion

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::congestion::Run(std::as_bytes(std::span(data, size))).run();
    return 0;
}
