#include "media/congestion/stream_feedback.h"

#include <algorithm>
#include <chrono>

namespace isthmus::media::congestion {
namespace {

constexpr std::uint8_t kCongestionExperienced = 3;
constexpr std::int64_t kTimesPerSecond = 65'536;
constexpr std::int64_t kOffsetsPerSecond = 1024;

Duration of_second(std::int64_t units, std::int64_t per_second) {
    constexpr std::int64_t kNanos = 1'000'000'000;
    // In two parts: the whole does not fit for long.
    return Duration(units / per_second * kNanos + units % per_second * kNanos / per_second);
}

}  // namespace

Duration StreamFeedback::unwrap(std::uint32_t report_time) {
    total_ += static_cast<std::int32_t>(report_time - last_time_);
    last_time_ = report_time;
    return of_second(total_, kTimesPerSecond);
}

std::span<const StreamReport> StreamFeedback::read(const rtp::CongestionFeedback& feedback,
                                                   const StreamIndex& index,
                                                   std::uint16_t newest,
                                                   Reports& scratch) {
    const Duration report_time = unwrap(feedback.report_time);
    std::size_t count = 0;
    const auto visit = [&](const rtp::CongestionBlock& block) {
        std::uint16_t seq = block.begin_seq;
        for (const rtp::PacketMetric packet : block.packets) {
            const auto transport_seq = index.find(block.ssrc, seq++);
            if (!transport_seq) {
                ++counters_.unknown;
                continue;
            }
            if (count == kReportsMax) {
                ++counters_.left_out;
                continue;
            }
            StreamReport& report = scratch[count++];
            report = {.transport_seq = *transport_seq, .received = packet.received};
            if (packet.received && packet.offset < rtp::PacketMetric::kOutOfRange) {
                report.arrived_at = report_time - of_second(packet.offset, kOffsetsPerSecond);
            }
            counters_.congestion += packet.ecn == kCongestionExperienced ? 1 : 0;
        }
    };
    (void)feedback.for_each_block(visit);
    const std::span<StreamReport> reports = std::span(scratch).first(count);
    // By age: the oldest is furthest behind the newest.
    std::ranges::sort(reports, [newest](const StreamReport& a, const StreamReport& b) {
        return static_cast<std::uint16_t>(newest - a.transport_seq) >
               static_cast<std::uint16_t>(newest - b.transport_seq);
    });
    return reports;
}

}  // namespace isthmus::media::congestion
