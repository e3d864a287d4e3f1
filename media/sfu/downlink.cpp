#include "media/sfu/downlink.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/prefetch.h"
#include "media/sfu/fec_stream.h"
#include "media/sfu/red_forwarding.h"

namespace isthmus::media::sfu {
namespace {

// IP and UDP, or TCP (RFC 4571 framing included).
constexpr std::uint16_t kIpv4UdpBytes = 20 + 8;
constexpr std::uint16_t kIpv6UdpBytes = 40 + 8;
constexpr std::uint16_t kTcpBytes = 20 + 2 - 8;

std::uint16_t line_overhead(const transport::Path& path) {
    const std::uint16_t udp = path.remote.ip.is_v4() ? kIpv4UdpBytes : kIpv6UdpBytes;
    return static_cast<std::uint16_t>(udp +
                                      (path.protocol == transport::Protocol::kTcp ? kTcpBytes : 0));
}

// Header, extensions and tag: what the pacer reckons with before the packet is written.
constexpr std::size_t kHeaderBytesTypical = 12 + 20 + 16;

// Where nothing limits any more.
constexpr DataRate kPacedMax = DataRate::kbps(1'000'000);

// The publisher's extensions where nothing in them differs for this receiver; `own` and `edited`
// are where they go that do.
const rtp::HeaderExtensions* in_receivers_terms(const OutgoingPacket& packet,
                                                const rtp::HeaderExtensions* published,
                                                rtp::HeaderExtensions& own,
                                                std::span<std::byte> edited) {
    if (packet.filler) {
        return &own;
    }
    if (!packet.descriptor.any || published->dependency_descriptor.empty()) {
        return published;
    }
    own = *published;
    own.dependency_descriptor = edited.first(
        rtp::edit_descriptor(published->dependency_descriptor, packet.descriptor, edited));
    return &own;
}

congestion::CongestionConfig with_feedback(congestion::CongestionConfig config,
                                           PacketFeedback feedback) {
    config.feedback_by_stream = feedback == PacketFeedback::kByStream;
    return config;
}

}  // namespace

Downlink::Downlink(const transport::PeerTransport& transport,
                   PacingList& pacing,
                   const congestion::CongestionConfig& config,
                   PacketFeedback feedback)
    : transport_(transport),
      pacing_(pacing),
      feedback_(feedback),
      estimates_(feedback != PacketFeedback::kNone),
      pacer_(config.pacer, config.start * config.pacing_factor),
      retransmissions_(pacing.pool(), kWaitingMax),
      video_(pacing.pool(), kWaitingMax),
      controller_(with_feedback(config, feedback)),
      reports_(config.min, config.max),
      pacing_factor_(config.pacing_factor) {}

void Downlink::prefetch_parts() const {
    prefetch(&transport_, sizeof transport_);
    controller_.prefetch();
}

bool Downlink::open(Instant now, EgressBatch& batch) {
    const transport::SrtpSendKey* key = transport_.send_key();
    const transport::Path* path = transport_.selected_path();
    if (key == nullptr || path == nullptr) {
        return false;
    }
    batch.to(*key, *path);
    line_overhead_bytes_ = line_overhead(*path);
    if (estimates_) {
        // Whoever waits goes first.
        budget_ = video_.empty() && retransmissions_.empty()
                      ? pacer_.allowance(now, DataSize(), now)
                      : DataSize();
    }
    return true;
}

bool Downlink::send(Instant now,
                    const OutgoingPacket& packet,
                    const PacketContent& content,
                    EgressBatch& batch,
                    transport::DatagramSink& sink) {
    if (!estimates_) {
        return write(now, {.packet = packet, .content = content}, batch, sink) != 0;
    }
    if (packet.send_class != SendClass::kAudio) {
        const auto size = DataSize::bytes(static_cast<std::int64_t>(
            content.packet.payload.size() + kHeaderBytesTypical + line_overhead_bytes_));
        if (budget_ < size) {
            budget_ = DataSize();
            return wait(now, packet, size);
        }
        budget_ -= size;
    }
    const std::size_t bytes = write(now, {.packet = packet, .content = content}, batch, sink);
    pacer_.on_sent(now, DataSize::bytes(static_cast<std::int64_t>(bytes)));
    return bytes != 0;
}

std::size_t Downlink::send_padding(Instant now,
                                   const Padding& padding,
                                   EgressBatch& batch,
                                   transport::DatagramSink& sink) {
    const std::size_t bytes = write(now,
                                    {.packet = padding.packet,
                                     .content = padding.content,
                                     .probe = {.cluster = padding.cluster, .is_padding = true}},
                                    batch,
                                    sink);
    pacer_.on_sent(now, DataSize::bytes(static_cast<std::int64_t>(bytes)));
    counters_.padding += bytes != 0 ? 1 : 0;
    return bytes;
}

std::size_t Downlink::write(Instant now,
                            const Writing& writing,
                            EgressBatch& batch,
                            transport::DatagramSink& sink) {
    if (batch.full()) {
        batch.flush(sink);
    }
    const OutgoingPacket& packet = writing.packet;
    const PacketContent& content = writing.content;
    const rtp::RtpHeaderWriter& writer = *packet.header_writer;
    rtp::RtpHeaderFields fields{.payload_type = packet.payload_type,
                                .marker = packet.marker,
                                .seq = rtp::seq16_of(packet.seq),
                                .timestamp = packet.timestamp,
                                .ssrc = packet.ssrc};
    rtp::HeaderExtensions own;
    // Written before it is read, and by few packets at all.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    std::array<std::byte, rtp::kEditedDescriptorBytesMax> descriptor;
    const PacketContent adapted{
        .packet = content.packet,
        .extensions = *in_receivers_terms(packet, &content.extensions, own, descriptor)};
    const std::span<const std::byte> header =
        batch.header_room().first(write_header(now, writer, fields, adapted, batch));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): as above
    std::array<std::byte, EgressBatch::kPrefixBytesMax> red;
    const std::span<const std::byte> prefix = packet.earlier_frames == 0
                                                  ? packet.patch.span()
                                                  : write_red(now, packet, content.packet, red);
    const std::span<const std::byte> payload =
        content.packet.payload.subspan(packet.patch.replaces);
    const std::size_t bytes = batch.commit(
        header.size(),
        prefix,
        payload,
        rtp::roc_of(packet.seq),
        // What a repair packet is made of must not change any more; while none are made, it may.
        {.kind = packet.send_class == SendClass::kAudio ? transport::TrafficKind::kAudio
                                                        : transport::TrafficKind::kVideo,
         .may_pad = packet.fec == nullptr || !packet.fec->level()});
    if (bytes == 0) {
        return 0;
    }
    const std::size_t on_line =
        on_written(now,
                   {.writer = writer, .ssrc = fields.ssrc, .seq = fields.seq, .bytes = bytes},
                   writing.probe);
    if (packet.fec != nullptr &&
        packet.fec->on_sent(
            now, packet.seq, {.header = header, .prefix = prefix, .payload = payload})) {
        write_repair(now, packet, batch, sink);
    }
    return on_line;
}

std::size_t Downlink::write_header(Instant now,
                                   const rtp::RtpHeaderWriter& writer,
                                   rtp::RtpHeaderFields fields,
                                   const PacketContent& content,
                                   EgressBatch& batch) const {
    if (writer.wants_transport_sequence()) {
        fields.transport_sequence = transport_sequence_;
    }
    if (writer.wants_abs_send_time()) {
        fields.abs_send_time = rtp::abs_send_time_of(now);
    }
    return writer.write(fields, content.packet.csrcs, content.extensions, batch.header_room());
}

std::size_t Downlink::on_written(Instant now, const Written& packet, Probe probe) {
    const std::size_t on_line = packet.bytes + line_overhead_bytes_;
    if (feedback_ == PacketFeedback::kNone) {
        sent_ += DataSize::bytes(static_cast<std::int64_t>(on_line));
        if (packet.writer.wants_transport_sequence()) {
            ++transport_sequence_;
        }
        return on_line;
    }
    // Of several sections some may be sent without the number; then nobody tells of their packets.
    if (feedback_ == PacketFeedback::kByStream || packet.writer.wants_transport_sequence()) {
        controller_.on_packet_sent(now,
                                   {.seq = transport_sequence_,
                                    .bytes = static_cast<std::uint16_t>(on_line),
                                    .probe = probe.cluster,
                                    .is_padding = probe.is_padding,
                                    .ssrc = packet.ssrc,
                                    .rtp_seq = packet.seq});
        ++transport_sequence_;
        if (!begun_) [[unlikely]] {
            // The controller wants to probe now, and nobody but the worker can arm a timer.
            begun_ = true;
            enlist(now);
        }
    }
    return on_line;
}

// Does not wait for the pacer, which has it on the bill: it is worth little after the packets that
// follow.
void Downlink::write_repair(Instant now,
                            const OutgoingPacket& repaired,
                            EgressBatch& batch,
                            transport::DatagramSink& sink) {
    if (batch.full()) {
        batch.flush(sink);
    }
    FecStream& fec = *repaired.fec;
    const rtp::ExtendedSeq seq = fec.seq();
    const rtp::RtpHeaderWriter& writer = *repaired.header_writer;
    const std::size_t header_bytes = write_header(now,
                                                  writer,
                                                  {.payload_type = fec.description().payload_type,
                                                   .seq = rtp::seq16_of(seq),
                                                   .timestamp = repaired.timestamp,
                                                   .ssrc = fec.description().ssrc},
                                                  {.packet = {}, .extensions = {}},
                                                  batch);
    const std::span<std::byte> payload = batch.take_payload_room(fec.repair_bytes());
    fec.take_repair(payload);
    const std::size_t bytes = batch.commit(header_bytes, {}, payload, rtp::roc_of(seq));
    if (bytes != 0) {
        const std::size_t on_line = on_written(now,
                                               {.writer = writer,
                                                .ssrc = fec.description().ssrc,
                                                .seq = rtp::seq16_of(seq),
                                                .bytes = bytes},
                                               {});
        if (estimates_) {
            pacer_.on_sent(now, DataSize::bytes(static_cast<std::int64_t>(on_line)));
        }
    }
}

bool Downlink::wait(Instant now, const OutgoingPacket& packet, DataSize size) {
    Waiting& queue = packet.send_class == SendClass::kRetransmission ? retransmissions_ : video_;
    if (!queue.push(now, size, packet)) {
        return false;
    }
    ++counters_.paced;
    enlist(next_release(now));
    return true;
}

void Downlink::enlist(Instant at) {
    if (!listed_) {
        listed_ = true;
        pacing_.add(owner_, at);
    }
}

void Downlink::write_waiting(Instant now,
                             const OutgoingPacket& packet,
                             Probe probe,
                             EgressBatch& batch,
                             transport::DatagramSink& sink) {
    const auto cached = packet.stream->cache.find_held(packet.source_seq);
    if (!cached) {
        ++counters_.dropped_expired;
        return;
    }
    const rtp::HeaderExtensions extensions = packet.extensions->parse(*cached);
    const PacketContent content{.packet = *cached, .extensions = extensions};
    write(now, {.packet = packet, .content = content, .probe = probe}, batch, sink);
}

Instant Downlink::next_release(Instant now) const {
    return std::min(retransmissions_.next_release(now, pacer_), video_.next_release(now, pacer_));
}

Instant Downlink::release(Instant now, EgressBatch& batch, transport::DatagramSink& sink) {
    if (!open(now, batch)) {
        listed_ = false;
        return kNever;
    }
    const auto write_one = [&](const OutgoingPacket& packet, DataSize /*size*/) {
        write_waiting(now, packet, {}, batch, sink);
    };
    retransmissions_.release(now, pacer_, write_one);
    video_.release(now, pacer_, write_one);
    const Instant next = next_release(now);
    listed_ = next != kNever;
    return next;
}

std::optional<congestion::ProbeSend> Downlink::poll_probe(Instant now,
                                                          EgressBatch& batch,
                                                          transport::DatagramSink& sink) {
    auto probe = controller_.poll_probe(now);
    // The queue reckons with more bytes than a packet has: one look may leave some that wait.
    while (probe && !(video_.empty() && retransmissions_.empty())) {
        const auto write_one = [&](const OutgoingPacket& packet, DataSize /*size*/) {
            write_waiting(now, packet, {.cluster = probe->cluster}, batch, sink);
        };
        const DataSize repeated =
            retransmissions_.release_at_least(now, probe->size, pacer_, write_one);
        video_.release_at_least(now, probe->size - repeated, pacer_, write_one);
        probe = controller_.poll_probe(now);
    }
    return probe;
}

void Downlink::drop(const rtp::RtpHeaderWriter& section) {
    const auto is_of_section = [&section](const OutgoingPacket& packet) {
        return packet.header_writer == &section;
    };
    retransmissions_.drop_if(is_of_section);
    video_.drop_if(is_of_section);
}

void Downlink::on_transport_feedback(Instant now, const rtp::TransportFeedback& feedback) {
    if (feedback_ == PacketFeedback::kTransportWide) {
        controller_.on_transport_feedback(now, feedback);
        on_target();
    }
}

void Downlink::on_congestion_feedback(Instant now, const rtp::CongestionFeedback& feedback) {
    if (feedback_ == PacketFeedback::kByStream) {
        controller_.on_congestion_feedback(now, feedback);
        on_target();
    }
}

void Downlink::on_remb(Instant now, DataRate limit) {
    if (feedback_ == PacketFeedback::kNone) {
        reports_.on_remb(now, limit, sent_);
    } else {
        controller_.on_remb(now, limit);
    }
    on_target();
}

bool Downlink::on_reports(Instant now, const congestion::ReportedLoss& reported) {
    if (feedback_ != PacketFeedback::kNone) {
        return false;
    }
    reports_.on_reports(now, reported, sent_);
    on_target();
    return true;
}

void Downlink::set_wanted(const congestion::WantedRates& wanted) {
    if (feedback_ == PacketFeedback::kNone) {
        reports_.set_wanted(wanted);
    } else {
        controller_.set_wanted(wanted);
    }
}

// Who was never limited is not paced either.
void Downlink::on_target() {
    const DataRate rate = target();
    estimates_ = estimates_ || !rate.is_unlimited();
    if (estimates_) {
        pacer_.set_rate(std::min(rate, kPacedMax) * pacing_factor_);
    }
}

void Downlink::handle_timeout(Instant now) {
    if (feedback_ != PacketFeedback::kNone && controller_.next_timeout() <= now) {
        controller_.handle_timeout(now);
        on_target();
    }
}

Instant Downlink::next_timeout() const {
    return feedback_ != PacketFeedback::kNone ? controller_.next_timeout() : kNever;
}

DataRate Downlink::target() const {
    return feedback_ != PacketFeedback::kNone ? controller_.target() : reports_.target();
}

DownlinkCounters Downlink::counters() const {
    DownlinkCounters counters = counters_;
    counters.dropped_full = retransmissions_.dropped() + video_.dropped();
    return counters;
}

void Downlink::describe_reports(DownlinkInfo& info) const {
    info.target_bps = target().is_unlimited() ? 0 : static_cast<double>(target().bps());
    if (const auto round_trip = reports_.round_trip()) {
        info.round_trip_seconds = std::chrono::duration<double>(*round_trip).count();
    }
    info.loss_ratio = reports_.loss();
}

DownlinkInfo Downlink::describe() const {
    const DownlinkCounters counted = counters();
    const congestion::CongestionStats measured = controller_.stats();
    DownlinkInfo info{.measured = estimates_,
                      .paced = counted.paced,
                      .dropped_full = counted.dropped_full,
                      .dropped_expired = counted.dropped_expired,
                      .padding_packets = counted.padding,
                      .feedback_unknown = measured.history.unknown + measured.streams.unknown,
                      .feedback_repeated = measured.history.repeated,
                      .feedback_refused = measured.history.refused,
                      .feedback_truncated = measured.history.truncated};
    if (feedback_ == PacketFeedback::kNone) {
        describe_reports(info);
        return info;
    }
    info.target_bps = static_cast<double>(measured.target.bps());
    if (measured.throughput) {
        info.throughput_bps = static_cast<double>(measured.throughput->bps());
    }
    if (measured.round_trip) {
        info.round_trip_seconds = std::chrono::duration<double>(*measured.round_trip).count();
    }
    info.loss_ratio = measured.loss;
    info.bytes_in_flight =
        static_cast<std::uint64_t>(std::max<std::int64_t>(measured.in_flight.bytes(), 0));
    info.overuses = measured.overuses;
    info.probes = measured.probes;
    return info;
}

}  // namespace isthmus::media::sfu
