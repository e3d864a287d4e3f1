#include "media/rtp/ccfb_feedback.h"

#include <algorithm>
#include <ratio>

namespace isthmus::media::rtp {
namespace {

// SPEC rfc8888#3.1: 1/65536 s, and 1/1024 s.
using ReportTicks = std::chrono::duration<std::int64_t, std::ratio<1, 65'536>>;
using OffsetTicks = std::chrono::duration<std::int64_t, std::ratio<1, 1024>>;

// Told of again beside what is new.
constexpr std::int64_t kRepeated = 8;

std::uint16_t offset_of(Instant reported_at, Instant arrived_at) {
    const auto ticks = std::chrono::duration_cast<OffsetTicks>(reported_at - arrived_at).count();
    return static_cast<std::uint16_t>(
        std::clamp<std::int64_t>(ticks, 0, PacketMetric::kOutOfRange));
}

}  // namespace

CcfbFeedback::CcfbFeedback(Duration interval)
    : interval_(std::clamp<Duration>(
          interval, std::chrono::milliseconds(50), std::chrono::milliseconds(250))) {}

CcfbFeedback::Stream* CcfbFeedback::stream_of(std::uint32_t ssrc) {
    const auto found = std::ranges::find(streams_, ssrc, &Stream::ssrc);
    if (found != streams_.end()) {
        return &*found;
    }
    return streams_.size() == kStreamsMax ? nullptr : &streams_.emplace_back(Stream{.ssrc = ssrc});
}

// What lies between the newest so far and `seq` has not arrived; what no longer fits is forgotten.
void CcfbFeedback::make_room(Stream& stream, ExtendedSeq seq) {
    constexpr auto kSize = static_cast<std::int64_t>(kWindow);
    const ExtendedSeq oldest = advance(seq, 1 - kSize);
    const ExtendedSeq from = std::max(stream.end, oldest);
    for (ExtendedSeq between = from; between < seq; between = advance(between, 1)) {
        stream.arrival(between) = {};
    }
    stream.begin = std::max(stream.begin, oldest);
    stream.end = advance(seq, 1);
}

void CcfbFeedback::on_packet(Instant now,
                             std::uint32_t ssrc,
                             std::uint16_t seq16,
                             std::uint8_t ecn) {
    Stream* const stream = stream_of(ssrc);
    if (stream == nullptr) {
        ++forgotten_;
        return;
    }
    const bool first = !stream->unwrapper.highest();
    const ExtendedSeq seq = stream->unwrapper.unwrap(seq16);
    if (first) {
        stream->first = seq;
        stream->begin = seq;
        stream->end = seq;
    }
    if (seq >= stream->end) {
        make_room(*stream, seq);
    } else if (distance(seq, stream->end) > static_cast<std::int64_t>(kWindow)) {
        ++forgotten_;
        return;
    } else if (stream->arrival(seq).at != kNever) {
        return;  // SPEC rfc8888#3.1: of duplicates the first counts
    } else {
        stream->begin = std::min(stream->begin, seq);
    }
    stream->arrival(seq) = {.at = now, .ecn = ecn};
    if (next_timeout_ == kNever && !due_) {
        next_timeout_ = now + interval_;
    }
}

void CcfbFeedback::handle_timeout(Instant now) {
    if (now >= next_timeout_) {
        due_ = true;
        next_timeout_ = kNever;
    }
}

RtcpWriter::StreamMetrics CcfbFeedback::tell(Instant now, Stream& stream, std::size_t used) {
    if (stream.begin >= stream.end) {
        return {};
    }
    const ExtendedSeq from = std::max({stream.first,
                                       advance(stream.begin, -kRepeated),
                                       advance(stream.end, -static_cast<std::int64_t>(kWindow))});
    std::size_t count = 0;
    for (ExtendedSeq seq = from; seq < stream.end && used + count < kPacketsMax;
         seq = advance(seq, 1)) {
        const Arrival& arrival = stream.arrival(seq);
        metrics_[used + count++] =
            arrival.at == kNever
                ? PacketMetric{}
                : PacketMetric{
                      .received = true, .ecn = arrival.ecn, .offset = offset_of(now, arrival.at)};
    }
    return {.ssrc = stream.ssrc,
            .begin_seq = seq16_of(from),
            .packets = std::span(metrics_).subspan(used, count)};
}

bool CcfbFeedback::write_feedback(Instant now, RtcpWriter& writer, std::uint32_t sender_ssrc) {
    if (!due_) {
        return false;
    }
    std::array<RtcpWriter::StreamMetrics, kStreamsMax> told{};
    std::size_t streams = 0;
    std::size_t used = 0;
    for (Stream& stream : streams_) {
        if (const auto metrics = tell(now, stream, used); !metrics.packets.empty()) {
            used += metrics.packets.size();
            told[streams++] = metrics;
        }
    }
    const auto report_time = static_cast<std::uint32_t>(
        std::chrono::duration_cast<ReportTicks>(now.time_since_epoch()).count());
    if (!writer.congestion_feedback(sender_ssrc, report_time, std::span(told).first(streams))) {
        return false;
    }
    due_ = false;
    for (const RtcpWriter::StreamMetrics& each : std::span(told).first(streams)) {
        Stream& stream = *std::ranges::find(streams_, each.ssrc, &Stream::ssrc);
        const ExtendedSeq from = nearest_extended_seq(stream.begin, each.begin_seq);
        stream.begin =
            std::max(stream.begin, advance(from, static_cast<std::int64_t>(each.packets.size())));
        due_ = due_ || stream.begin < stream.end;
    }
    return true;
}

}  // namespace isthmus::media::rtp
