#include "media/sfu/subscription.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/byte_order.h"
#include "base/prefetch.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/rtx.h"
#include "media/sfu/published_track.h"

namespace isthmus::media::sfu {
namespace {

rtp::RewriteStart random_start(RandomSource& random) {
    // The top bit stays clear: RewriteStart says why.
    return {.seq = static_cast<std::uint16_t>(random.next_u32() & 0x7FFFU),
            .timestamp = rtp::RtpTimestamp{random.next_u32()}};
}

// RFC 4588 section 4: in front of the payload.
PayloadPatch original_sequence_number(std::uint16_t seq) {
    PayloadPatch patch;
    store_be16(patch.bytes.data(), seq);
    patch.size = rtp::kRtxOsnBytes;
    return patch;
}

// Adds what differs for this receiver. What is in the patch already stays in front.
void apply(const layers::Selection& selection,
           const rtp::RtpPacketView& packet,
           OutgoingPacket& outgoing) {
    outgoing.filler = selection.verdict == layers::Verdict::kFill;
    if (outgoing.filler) {
        outgoing.marker = false;
        outgoing.patch.replaces = static_cast<std::uint16_t>(packet.payload.size());
        return;
    }
    outgoing.marker = selection.marker;
    outgoing.descriptor = selection.edit;
    const auto prefix = selection.prefix.view();
    std::ranges::copy(prefix, outgoing.patch.bytes.begin() + outgoing.patch.size);
    outgoing.patch.size = static_cast<std::uint8_t>(outgoing.patch.size + prefix.size());
    outgoing.patch.replaces = selection.prefix.replaced;
}

// What a track of this section could send that the receiver takes.
const rtp::PayloadFormat* first_common(const MediaSection& published, const MediaSection& wanted) {
    for (const rtp::PayloadFormat& format : published.formats) {
        if (const auto* match = rtp::find_forwardable(format, wanted.formats)) {
            return match;
        }
    }
    return nullptr;
}

bool has_descriptors(const MediaSection& section) {
    return section.extensions.id_of(rtp::ExtensionKind::kDependencyDescriptor) != 0;
}

}  // namespace

Subscription::Subscription(MediaSection section,
                           SenderDescription description,
                           Downlink& downlink,
                           const SfuLimits& limits,
                           RandomSource& random)
    : section_(std::move(section)),
      description_(std::move(description)),
      downlink_(downlink),
      ssrc_(description_.ssrc),
      sent_(description_.ssrc, section_.formats.front().clock_hz),
      header_writer_(section_.extensions, section_.mid),
      rewriter_(random_start(random)),
      next_rtx_seq_(
          rtp::make_extended_seq(0, static_cast<std::uint16_t>(random.next_u32() & 0x7FFFU))),
      retransmissions_(
          rtp::RetransmissionLimits{.bytes_per_second = limits.retransmission_bytes_per_second,
                                    .burst_bytes = limits.retransmission_bytes_per_second}) {
    if (description_.fec_ssrc && section_.flexfec_payload_type) {
        fec_ = std::make_unique<FecStream>(
            FecDescription{.ssrc = *description_.fec_ssrc,
                           .media_ssrc = description_.ssrc,
                           .payload_type = *section_.flexfec_payload_type},
            random);
    }
    if (section_.kind == rtp::MediaKind::kVideo) {
        video_ = std::make_unique<VideoFollower>(has_descriptors(section_));
    }
}

void Subscription::renegotiate(MediaSection section, RandomSource& random) {
    if (section.wanted_track != section_.wanted_track) {
        forget_wish();
    }
    section_ = std::move(section);
    // What the formats in use were chosen from is gone.
    published_ = nullptr;
    format_ = nullptr;
    if (!sends()) {
        section_.wanted_track.clear();
        unbind();
        return;
    }
    header_writer_ = rtp::RtpHeaderWriter(section_.extensions, section_.mid);
    if (!description_.rtx_ssrc && has_rtx(section_)) {
        description_.rtx_ssrc = random.next_u32();
    }
    if (video_ != nullptr) {
        video_->set_descriptors(has_descriptors(section_));
    }
    if (track_ != nullptr && !takes(*track_)) {
        unbind();
    }
}

void Subscription::forget_wish() {
    paused_ = false;
    if (video_ != nullptr) {
        video_->forget_wish();
    }
}

bool Subscription::takes(const PublishedTrack& track) const {
    return sends() && track.kind() == section_.kind &&
           first_common(track.section(), section_) != nullptr;
}

void Subscription::bind(Instant now, PublishedTrack& track, bool watches) {
    track_ = &track;
    watches_ = watches;
    track.audio_gate().watchers += watches ? 1 : 0;
    published_ = nullptr;
    format_ = nullptr;
    following_.reset();
    fresh_ = true;
    if (video_ != nullptr) {
        video_->bind(now, track);
    }
    // The track asks at once what is wanted of it.
    track.add(*this);
}

void Subscription::unbind() {
    if (track_ != nullptr) {
        downlink_.drop(header_writer_);
        track_->audio_gate().watchers -= watches_ ? 1 : 0;
        track_->remove(*this);
        track_ = nullptr;
        told_starved_ = false;
        following_.reset();
        if (video_ != nullptr) {
            video_->unbind();
        }
    }
}

void Subscription::prefetch_ahead(std::size_t receivers) const {
    switch (receivers) {
        case kPrefetchAhead: {
            const auto* const begin = reinterpret_cast<const std::byte*>(&track_);
            const auto* const end =
                reinterpret_cast<const std::byte*>(&rewriter_) + rtp::SequenceRewriter::kHotBytes;
            prefetch(begin, static_cast<std::size_t>(end - begin));
            return;
        }
        case 4:
            prefetch(&downlink_, Downlink::kHotBytes);
            rewriter_.prefetch_newest();
            if (video_ != nullptr) {
                prefetch(video_.get(), VideoFollower::kHotBytes);
            }
            return;
        case 3:
            downlink_.prefetch_parts();
            return;
        case 2:
            downlink_.prefetch_transport();
            return;
        case 1:
            downlink_.prefetch_key();
            return;
        default:
            return;
    }
}

void Subscription::forward(Instant now,
                           std::span<const TrackPacket> packets,
                           EgressBatch& batch,
                           transport::DatagramSink& sink) {
    if (!downlink_.open(now, batch)) {
        return;
    }
    if (video_ != nullptr) {
        video_->update();
    }
    CaughtUp done;
    if (std::exchange(fresh_, false) && video_ != nullptr) {
        done = catch_up(now, packets.front(), batch, sink);
    }
    for (const TrackPacket& packet : packets) {
        if (!done.has(packet)) {
            forward_one(now, packet, batch, sink);
        }
    }
}

void Subscription::forward_one(Instant now,
                               const TrackPacket& packet,
                               EgressBatch& batch,
                               transport::DatagramSink& sink) {
    const auto outgoing = take(now, packet);
    if (outgoing && downlink_.send(now,
                                   *outgoing,
                                   {.packet = packet.packet, .extensions = packet.extensions},
                                   batch,
                                   sink)) {
        sent_.on_packet_sent(packet.packet.payload.size());
    }
}

Subscription::CaughtUp Subscription::catch_up(Instant now,
                                              const TrackPacket& next,
                                              EgressBatch& batch,
                                              transport::DatagramSink& sink) {
    const InboundStream* const stream = video_->find_recent_start(now);
    if (stream == nullptr || !stream->last_key_frame) {
        return {};
    }
    const rtp::ExtendedSeq begin = stream->last_key_frame->seq;
    const rtp::ExtendedSeq end = next.stream == stream
                                     ? next.seq
                                     : rtp::advance(stream->receive.highest().value_or(begin), 1);
    const rtp::HeaderExtensionParser& parser = track_->owner().extension_parser();
    for (rtp::ExtendedSeq seq = begin; seq < end; seq = rtp::advance(seq, 1)) {
        const auto cached = stream->cache.find(now, seq);
        if (!cached) {
            continue;  // lost on the way in, or late: a gap that the viewer asks about
        }
        const rtp::PayloadFormat* const format = track_->format_of(cached->payload_type);
        if (format == nullptr) {
            continue;
        }
        TrackPacket packet{.stream = stream,
                           .packet = *cached,
                           .extensions = parser.parse(*cached),
                           .seq = seq,
                           .key_frame_start = seq == begin};
        packet.layers = stream->reader.read_again(
            format->codec, *cached, packet.extensions.dependency_descriptor);
        forward_one(now, packet, batch, sink);
    }
    return {.stream = stream, .begin = begin, .end = end};
}

std::optional<OutgoingPacket> Subscription::take(Instant now, const TrackPacket& packet) {
    // Padding only: a sender that probes. It is not for this receiver.
    if (packet.own_payload().empty()) {
        rewriter_.on_dropped({.source = packet.stream->source, .seq = packet.seq});
        return std::nullopt;
    }
    return video_ != nullptr ? take_video(now, packet) : take_audio(now, packet);
}

std::optional<bool> Subscription::poll_starved() {
    const bool starved = video_ != nullptr && video_->starved();
    return std::exchange(told_starved_, starved) != starved ? std::optional(starved) : std::nullopt;
}

std::optional<OutgoingPacket> Subscription::take_audio(Instant now, const TrackPacket& packet) {
    if (paused_) {
        was_paused_ = true;
        return std::nullopt;
    }
    if (std::exchange(was_paused_, false) && !packet.resumes) {
        TrackPacket first = packet;
        first.resumes = true;
        return address_audio(now, first);
    }
    return address_audio(now, packet);
}

std::optional<OutgoingPacket> Subscription::address_audio(Instant now, const TrackPacket& packet) {
    if (!follow(now, packet)) {
        return std::nullopt;
    }
    auto outgoing = address(now, packet);
    if (outgoing) {
        outgoing->send_class = SendClass::kAudio;
        // Begins a talkspurt (RFC 3551 section 4.1).
        outgoing->marker = packet.packet.marker || packet.resumes;
        // What is encrypted end to end is decrypted before RED is undone: it stays by itself.
        if (!track_->section().encrypted || packet.red_primary_at != 0) {
            red_.shape(
                now, packet, {.published = *published_, .wanted = *format_}, rewriter_, *outgoing);
        }
        counters_.red_packets += outgoing->earlier_frames != 0 ? 1 : 0;
    }
    return outgoing;
}

std::optional<OutgoingPacket> Subscription::take_video(Instant now, const TrackPacket& packet) {
    const layers::Selection selection = video_->select(now, packet);
    if (selection.verdict == layers::Verdict::kDrop) {
        rewriter_.on_dropped({.source = packet.stream->source, .seq = packet.seq});
        return std::nullopt;
    }
    if (selection.begins_source) {
        begin(now, packet);
    }
    if (!choose_format(packet)) {
        ++counters_.no_format;
    }
    auto outgoing = address(now, packet);
    if (outgoing) {
        apply(selection, packet.packet, *outgoing);
    }
    return outgoing;
}

std::optional<OutgoingPacket> Subscription::address(Instant now, const TrackPacket& packet) {
    const rtp::SourcePacket source{.source = packet.stream->source, .seq = packet.seq};
    if (format_ == nullptr) {
        rewriter_.on_dropped(source);
        return std::nullopt;
    }
    const auto rewritten = rewriter_.rewrite(now, source, packet.packet.timestamp);
    if (!rewritten) {
        return std::nullopt;
    }
    return OutgoingPacket{.stream = packet.stream,
                          .source_seq = packet.seq,
                          .header_writer = &header_writer_,
                          .extensions = &track_->owner().extension_parser(),
                          .seq = rewritten->seq,
                          .timestamp = rewritten->timestamp,
                          .ssrc = ssrc_,
                          .payload_type = payload_type_,
                          .patch = {},
                          .descriptor = {},
                          .fec = fec_.get()};
}

bool Subscription::follow(Instant now, const TrackPacket& packet) {
    if (following_ != packet.stream->source) {
        // Packets of a stream that was left and come late still have their numbers.
        if (packet.stream != track_->active()) {
            return following_.has_value() && choose_format(packet);
        }
        following_ = packet.stream->source;
        begin(now, packet);
    } else if (packet.resumes) {
        resume(now, packet);
    }
    if (!choose_format(packet)) {
        ++counters_.no_format;
    }
    return true;
}

void Subscription::begin(Instant now, const TrackPacket& packet) {
    choose_format(packet);
    const std::uint32_t clock_hz =
        published_ != nullptr ? published_->clock_hz : packet.stream->clock.clock_hz();
    rewriter_.switch_source(
        now,
        {.source = packet.stream->source,
         .seq = packet.seq,
         .timestamp = packet.packet.timestamp,
         .clock_hz = clock_hz,
         .timestamp_out = timestamp_after_switch(*packet.stream, packet.packet.timestamp)});
}

// Where sender reports have put both streams on one time line, the picture is as much later than
// the last one of the other stream as it was taken later.
std::optional<rtp::RtpTimestamp> Subscription::timestamp_after_switch(
    const InboundStream& to, rtp::RtpTimestamp timestamp) const {
    if (!rewriter_.started() || track_ == nullptr) {
        return std::nullopt;
    }
    const InboundStream* const from = track_->find_source(rewriter_.source());
    const auto taken_at = from != nullptr ? to.clock.instant_of(timestamp) : std::nullopt;
    const auto there = taken_at ? from->clock.timestamp_at(*taken_at) : std::nullopt;
    return there ? rewriter_.timestamp_of(*there) : std::nullopt;
}

// The stream begins again after packets that nobody got: numbers close up, time goes on as the
// publisher's did, so that sender reports stay true.
void Subscription::resume(Instant now, const TrackPacket& packet) {
    rewriter_.switch_source(now,
                            {.source = packet.stream->source,
                             .seq = packet.seq,
                             .timestamp = packet.packet.timestamp,
                             .clock_hz = packet.stream->clock.clock_hz(),
                             .timestamp_out = rewriter_.timestamp_of(packet.packet.timestamp)});
}

bool Subscription::choose_format(const TrackPacket& packet) {
    if (published_ == nullptr || !published_->carries(packet.packet.payload_type)) {
        published_ = track_->format_of(packet.packet.payload_type);
        format_ =
            published_ != nullptr ? rtp::find_forwardable(*published_, section_.formats) : nullptr;
        if (format_ != nullptr) {
            sent_.set_clock(format_->clock_hz);
            payload_type_ = format_->payload_type;
        }
    }
    return format_ != nullptr;
}

void Subscription::handle_nack(Instant now,
                               const rtp::Nack& nack,
                               EgressBatch& batch,
                               transport::DatagramSink& sink) {
    if (!downlink_.open(now, batch)) {
        return;
    }
    if (const auto rtt = sent_.receiver().rtt) {
        retransmissions_.on_rtt(*rtt);
    }
    nack.for_each([&](std::uint16_t seq) {
        ++counters_.nacks;
        if (!retransmissions_.consider(now)) {
            ++counters_.nacks_unanswered;
            return;
        }
        ++(resend(now, seq, batch, sink) ? counters_.retransmissions : counters_.nacks_unanswered);
    });
}

std::optional<Subscription::Repeat> Subscription::make_repeat(Instant now, std::uint16_t seq) {
    if (track_ == nullptr || !rewriter_.started() || format_ == nullptr ||
        !format_->rtx_payload_type || !description_.rtx_ssrc) {
        return std::nullopt;
    }
    const auto source = rewriter_.find(seq);
    if (!source) {
        return std::nullopt;
    }
    const InboundStream* stream = track_->find_source(source->source);
    const auto cached = stream != nullptr ? stream->cache.find(now, source->seq) : std::nullopt;
    if (!cached) {
        return std::nullopt;
    }
    const auto rewritten = rewriter_.rewrite(now, *source, cached->timestamp);
    if (!rewritten) {
        return std::nullopt;
    }
    Repeat repeat{.stream = stream,
                  .packet = *cached,
                  .outgoing = {.stream = stream,
                               .source_seq = source->seq,
                               .header_writer = &header_writer_,
                               .extensions = &track_->owner().extension_parser(),
                               .seq = next_rtx_seq_,
                               .timestamp = rewritten->timestamp,
                               .ssrc = *description_.rtx_ssrc,
                               .payload_type = *format_->rtx_payload_type,
                               .marker = cached->marker,
                               .send_class = SendClass::kRetransmission,
                               .patch = original_sequence_number(seq),
                               .descriptor = {}}};
    if (video_ != nullptr) {
        const layers::Selection selection =
            video_->select_again(*stream,
                                 format_->codec,
                                 *cached,
                                 repeat.outgoing.extensions->parse(*cached),
                                 source->seq);
        if (selection.verdict == layers::Verdict::kDrop) {
            return std::nullopt;
        }
        apply(selection, *cached, repeat.outgoing);
    }
    return repeat;
}

bool Subscription::resend(Instant now,
                          std::uint16_t seq,
                          EgressBatch& batch,
                          transport::DatagramSink& sink) {
    const auto repeat = make_repeat(now, seq);
    if (!repeat ||
        !retransmissions_.allow(now, rewriter_.extend(seq), repeat->packet.payload.size())) {
        return false;
    }
    const rtp::HeaderExtensions extensions = repeat->outgoing.extensions->parse(repeat->packet);
    if (!downlink_.send(now,
                        repeat->outgoing,
                        {.packet = repeat->packet, .extensions = extensions},
                        batch,
                        sink)) {
        return false;
    }
    next_rtx_seq_ = rtp::advance(next_rtx_seq_, 1);
    return true;
}

bool Subscription::send_padding(Instant now,
                                const congestion::ProbeSend& probe,
                                EgressBatch& batch,
                                transport::DatagramSink& sink) {
    if (section_.kind != rtp::MediaKind::kVideo || !rewriter_.started()) {
        return false;
    }
    const auto repeat = make_repeat(now, rtp::seq16_of(rewriter_.highest()));
    if (!repeat) {
        return false;
    }
    const rtp::HeaderExtensions extensions = repeat->outgoing.extensions->parse(repeat->packet);
    const PacketContent content{.packet = repeat->packet, .extensions = extensions};
    if (downlink_.send_padding(
            now,
            {.packet = repeat->outgoing, .content = content, .cluster = probe.cluster},
            batch,
            sink) == 0) {
        return false;
    }
    next_rtx_seq_ = rtp::advance(next_rtx_seq_, 1);
    return true;
}

void Subscription::handle_key_frame_request(Instant now) {
    ++counters_.key_frame_requests;
    if (video_ != nullptr && key_frame_wishes_.allow(now)) {
        video_->request_key_frame(now);
    }
}

void Subscription::handle_report_block(rtp::NtpTime now,
                                       const rtp::ReportBlock& block,
                                       congestion::ReportedLoss& reported) {
    const auto packets = static_cast<std::uint32_t>(sent_.on_report_block(now, block));
    reported.packets += packets;
    reported.lost += static_cast<std::uint32_t>(std::lround(packets * sent_.receiver().loss_ratio));
    if (const auto rtt = sent_.receiver().rtt) {
        reported.round_trip = std::min(*rtt, reported.round_trip.value_or(*rtt));
    }
    red_.on_report(sent_.receiver().loss_ratio);
    if (fec_) {
        fec_->on_report(sent_.receiver().loss_ratio);
    }
}

std::optional<rtp::SenderInfo> Subscription::make_sender_info(Instant now, rtp::NtpTime ntp) const {
    const auto following = source();
    if (track_ == nullptr || !following || sent_.packets() == 0) {
        return std::nullopt;
    }
    const InboundStream* stream = track_->find_source(*following);
    const auto published = stream != nullptr ? stream->clock.timestamp_at(now) : std::nullopt;
    const auto timestamp = published ? rewriter_.timestamp_of(*published) : std::nullopt;
    if (!timestamp) {
        return std::nullopt;
    }
    return sent_.make_sender_info(ntp, *timestamp);
}

SubscriptionInfo Subscription::describe() const {
    SubscriptionInfo info = counters_;
    info.track_id = track_ != nullptr ? track_->id() : "";
    info.ssrc = description_.ssrc;
    if (video_ != nullptr) {
        video_->describe(info);
    }
    info.packets = sent_.packets();
    info.bytes = sent_.bytes();
    info.repair_packets = repair_packets();
    info.nacks_ignored = nacks_ignored();
    info.key_frame_requests_ignored = key_frame_requests_ignored();
    info.loss_ratio = sent_.receiver().loss_ratio;
    info.jitter_seconds = sent_.receiver().jitter_seconds;
    if (const auto rtt = sent_.receiver().rtt) {
        info.rtt_seconds = std::chrono::duration<double>(*rtt).count();
    }
    return info;
}

}  // namespace isthmus::media::sfu
