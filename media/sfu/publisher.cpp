#include "media/sfu/publisher.h"

#include <algorithm>
#include <string>
#include <utility>

#include "media/rtp/rtx.h"

namespace isthmus::media::sfu {
namespace {

// The format that `payload_type` repeats, or null.
const rtp::PayloadFormat* find_repaired_format(const MediaSection& section,
                                               std::uint8_t payload_type) {
    const auto found =
        std::ranges::find_if(section.formats, [payload_type](const rtp::PayloadFormat& format) {
            return format.rtx_payload_type == payload_type;
        });
    return found == section.formats.end() ? nullptr : &*found;
}

bool has_payload_type(const MediaSection& section, std::uint8_t payload_type) {
    return std::ranges::any_of(section.formats,
                               [payload_type](const rtp::PayloadFormat& format) {
                                   return format.carries(payload_type);
                               }) ||
           find_repaired_format(section, payload_type) != nullptr;
}

}  // namespace

Publisher::Publisher(std::span<const MediaSection> sections,
                     TrackOwner& owner,
                     const SfuLimits& limits,
                     std::uint32_t source_base,
                     RandomSource& random)
    : owner_(owner),
      limits_(limits),
      extension_parser_(extension_ids_),
      publish_rate_(limits.publish_bitrate_bps_max),
      next_source_(source_base) {
    learn_extensions(sections);
    for (const MediaSection& section : sections) {
        if (is_receiving(section)) {
            add_track(section, random);
        }
    }
}

// What signaling left out of one section is in another.
void Publisher::learn_extensions(std::span<const MediaSection> sections) {
    for (const MediaSection& section : sections) {
        for (std::size_t i = 0; i < rtp::kExtensionKinds; ++i) {
            const auto kind = static_cast<rtp::ExtensionKind>(i);
            if (extension_ids_.id_of(kind) == 0) {
                extension_ids_.set(kind, section.extensions.id_of(kind));
            }
        }
    }
    extension_parser_ = rtp::HeaderExtensionParser(extension_ids_);
}

PublishedTrack& Publisher::add_track(const MediaSection& section, RandomSource& random) {
    std::string id =
        section.published_id.empty() ? "TR_" + random.next_token(12) : section.published_id;
    tracks_.push_back(std::make_unique<PublishedTrack>(std::move(id), section, owner_, limits_));
    twcc_negotiated_ |= std::ranges::any_of(section.formats, &rtp::PayloadFormat::transport_cc);
    return *tracks_.back();
}

TrackChanges Publisher::renegotiate(std::span<const MediaSection> sections, RandomSource& random) {
    learn_extensions(sections);
    TrackChanges changes;
    for (auto& track : tracks_) {
        const auto same = std::ranges::find_if(
            sections, [&track](const MediaSection& section) { return track->goes_on_as(section); });
        if (same != sections.end()) {
            track->renew(*same);
        } else {
            changes.ended.push_back(std::move(track));
        }
    }
    std::erase(tracks_, nullptr);
    for (const auto& ended : changes.ended) {
        boost::unordered::erase_if(
            routes_, [&ended](const auto& route) { return route.second.track == ended.get(); });
    }
    for (const MediaSection& section : sections) {
        const auto is_there = [&section](const auto& track) { return track->goes_on_as(section); };
        if (is_receiving(section) && std::ranges::none_of(tracks_, is_there)) {
            changes.begun.push_back(&add_track(section, random));
        }
    }
    return changes;
}

void Publisher::handle_rtp(Instant now, std::span<std::byte> bytes, WorkerStats& stats) {
    const auto packet = rtp::RtpPacketView::parse(bytes);
    if (!packet) {
        ++stats.rtp_malformed;
        return;
    }
    const rtp::HeaderExtensions extensions = extension_parser_.parse(*packet);
    if (twcc_negotiated_ && extensions.transport_sequence) {
        twcc_.on_packet(now, *extensions.transport_sequence);
        twcc_media_ssrc_ = packet->ssrc;
    }
    if (!publish_rate_.take(now, packet->payload.size())) {
        ++stats.limit_bitrate_drops;
        return;
    }
    Route* route = find_route(*packet, extensions);
    if (route == nullptr || !(route->rtx ? handle_rtx(now, *route, bytes, *packet, extensions)
                                         : handle_media(now, *route, *packet, extensions))) {
        ++stats.rtp_unroutable;
    }
}

Publisher::Route* Publisher::find_route(const rtp::RtpPacketView& packet,
                                        const rtp::HeaderExtensions& extensions) {
    const auto known = routes_.find(packet.ssrc);
    if (known != routes_.end()) {
        return &known->second;
    }
    PublishedTrack* track = find_track(packet, extensions);
    if (track == nullptr || routes_.size() >= limits_.ssrcs_per_track * tracks_.size()) {
        return nullptr;
    }
    Route route{.track = track,
                .stream = nullptr,
                .rtx = find_repaired_format(track->section(), packet.payload_type) != nullptr};
    if (!route.rtx) {
        if (track->format_of(packet.payload_type) == nullptr ||
            track->streams().size() >= limits_.ssrcs_per_track) {
            return nullptr;
        }
        route.stream = track->add_stream(packet.ssrc, extensions.rid, next_source_);
        if (route.stream == nullptr) {
            return nullptr;
        }
        ++next_source_;
    }
    return &routes_.emplace(packet.ssrc, route).first->second;
}

PublishedTrack* Publisher::find_track(const rtp::RtpPacketView& packet,
                                      const rtp::HeaderExtensions& extensions) const {
    PublishedTrack* only = nullptr;
    std::size_t candidates = 0;
    for (const auto& track : tracks_) {
        const MediaSection& section = track->section();
        if (!extensions.mid.empty()) {
            if (section.mid == extensions.mid) {
                return track.get();
            }
            continue;
        }
        if (std::ranges::find(section.ssrcs, packet.ssrc) != section.ssrcs.end()) {
            return track.get();
        }
        if (has_payload_type(section, packet.payload_type)) {
            only = track.get();
            ++candidates;
        }
    }
    return candidates == 1 ? only : nullptr;
}

bool Publisher::handle_media(Instant now,
                             Route& route,
                             const rtp::RtpPacketView& packet,
                             const rtp::HeaderExtensions& extensions) {
    return route.track->handle_rtp(now, *route.stream, packet, extensions, false);
}

bool Publisher::handle_rtx(Instant now,
                           Route& route,
                           std::span<std::byte> bytes,
                           const rtp::RtpPacketView& packet,
                           const rtp::HeaderExtensions& extensions) {
    const rtp::PayloadFormat* format =
        find_repaired_format(route.track->section(), packet.payload_type);
    if (route.stream == nullptr) {
        route.stream = route.track->find_repaired(packet.ssrc, extensions.repaired_rid);
    }
    if (format == nullptr || route.stream == nullptr) {
        return false;
    }
    InboundStream& stream = *route.stream;
    if (!stream.rtx) {
        stream.rtx.emplace(packet.ssrc, format->clock_hz);
    }
    stream.rtx->on_packet(now, packet);
    const auto restored = rtp::restore_rtx(bytes, stream.receive.ssrc(), format->payload_type);
    if (!restored) {
        // No OSN: padding, with which the sender probes for bandwidth.
        return restored.error() == rtp::RtxError::kEmpty;
    }
    const auto original = rtp::RtpPacketView::parse(*restored);
    return original && route.track->handle_rtp(
                           now, stream, *original, extension_parser_.parse(*original), true);
}

void Publisher::handle_sender_report(Instant now, const rtp::SenderReport& report) {
    const auto route = routes_.find(report.ssrc);
    if (route == routes_.end() || route->second.stream == nullptr) {
        return;
    }
    InboundStream& stream = *route->second.stream;
    if (route->second.rtx) {
        if (stream.rtx) {
            stream.rtx->on_sender_report(now, report.info);
        }
        return;
    }
    stream.receive.on_sender_report(now, report.info);
    stream.clock.on_sender_report(source_clock_.on_sender_report(now, report.info.ntp),
                                  report.info.rtp);
}

ConnectionMeter::Received Publisher::received() const {
    ConnectionMeter::Received total;
    for (const auto& track : tracks_) {
        for (const auto& stream : track->streams()) {
            total.packets += stream->receive.counters().packets;
            total.lost += static_cast<std::uint64_t>(stream->receive.lost());
        }
    }
    return total;
}

void Publisher::on_rtt(Duration rtt) {
    for (const auto& track : tracks_) {
        for (const auto& stream : track->streams()) {
            stream->nack.on_rtt(rtt);
            stream->key_frames.on_rtt(rtt);
        }
    }
}

void Publisher::handle_timeout(Instant now) {
    twcc_.handle_timeout(now);
    for (const auto& track : tracks_) {
        track->handle_timeout(now);
    }
}

Instant Publisher::next_timeout() const {
    Instant earliest = twcc_.next_timeout();
    for (const auto& track : tracks_) {
        earliest = std::min(earliest, track->next_timeout());
    }
    return earliest;
}

void Publisher::send_feedback(RtcpSender& rtcp, WorkerStats& stats) {
    for (const auto& track : tracks_) {
        for (const auto& stream : track->streams()) {
            send_stream_feedback(*track, *stream, rtcp, stats);
        }
    }
    while (twcc_.pending() && rtcp.add([&](rtp::RtcpWriter& writer) {
        return twcc_.write_feedback(writer, rtcp.identity().ssrc, twcc_media_ssrc_);
    })) {
    }
}

void Publisher::send_stream_feedback(PublishedTrack& track,
                                     InboundStream& stream,
                                     RtcpSender& rtcp,
                                     WorkerStats& stats) {
    const std::uint32_t own = rtcp.identity().ssrc;
    const std::uint32_t ssrc = stream.receive.ssrc();
    while (const auto missing = stream.nack.poll_nack()) {
        stats.nacks_sent += missing->size();
        rtcp.add([&](rtp::RtcpWriter& writer) { return writer.nack(own, ssrc, *missing); });
    }
    if (!stream.key_frames.poll_request()) {
        return;
    }
    const rtp::PayloadFormat* format = track.current_format();
    ++stats.key_frame_requests_sent;
    if (format == nullptr || format->pli || !format->fir) {
        rtcp.add([&](rtp::RtcpWriter& writer) { return writer.pli(own, ssrc); });
    } else {
        const rtp::FirItem item{.ssrc = ssrc, .command = fir_command_++};
        rtcp.add([&](rtp::RtcpWriter& writer) { return writer.fir(own, {&item, 1}); });
    }
}

void Publisher::append_report_blocks(Instant now, std::vector<rtp::ReportBlock>& blocks) {
    const auto append = [now, &blocks](rtp::ReceiveStream& received) {
        if (const auto block = received.make_report_block(now)) {
            blocks.push_back(*block);
        }
    };
    for (const auto& track : tracks_) {
        for (const auto& stream : track->streams()) {
            append(stream->receive);
            if (auto& rtx = stream->rtx) {
                append(*rtx);
            }
        }
    }
}

}  // namespace isthmus::media::sfu
