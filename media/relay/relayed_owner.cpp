#include "media/relay/relayed_owner.h"

#include <algorithm>
#include <utility>

#include "media/rtp/rtp_packet.h"

namespace isthmus::media::relay {
namespace {

// What was lost on the way to the node is asked for by the worker that it came to.
sfu::MediaSection without_nack(sfu::MediaSection section) {
    for (rtp::PayloadFormat& format : section.formats) {
        format.nack = false;
    }
    return section;
}

// Apart from the sources of clients: those count from their connection's number up (see
// sfu::Participant).
constexpr std::uint32_t kFirstSource = 0x80000000U;

}  // namespace

RelayedOwner::RelayedOwner(OwnerAnnounced announced,
                           const sfu::SfuLimits& limits,
                           std::function<void(RelayedOwner&)> on_touched)
    : announced_(std::move(announced)),
      ssrcs_per_track_(limits.ssrcs_per_track),
      extension_parser_(announced_.extensions),
      wanted_(announced_.tracks.size()),
      on_touched_(std::move(on_touched)),
      next_source_(kFirstSource) {
    for (const RelayedTrackInfo& track : announced_.tracks) {
        tracks_.push_back(std::make_unique<sfu::PublishedTrack>(
            track.id, without_nack(track.section), *this, limits));
    }
}

sfu::InboundStream* RelayedOwner::stream_for(sfu::PublishedTrack& track,
                                             const RelayRecord& record,
                                             std::uint32_t ssrc) {
    const auto found = std::ranges::find_if(
        track.streams(), [ssrc](const auto& stream) { return stream->receive.ssrc() == ssrc; });
    if (found != track.streams().end()) {
        return found->get();
    }
    if (track.streams().size() >= ssrcs_per_track_) {
        return nullptr;
    }
    return &track.add_stream(ssrc, record.rid(), next_source_++);
}

bool RelayedOwner::handle_packet(Instant now,
                                 const RelayRecord& record,
                                 std::span<std::byte> packet) {
    const auto view = rtp::RtpPacketView::parse(packet);
    if (!view || record.track >= tracks_.size()) {
        return false;
    }
    sfu::PublishedTrack& track = *tracks_[record.track];
    sfu::InboundStream* stream = stream_for(track, record, view->ssrc);
    if (stream == nullptr) {
        return false;
    }
    if (const auto clock = record.clock(); clock && clock != stream->clock.anchor()) {
        stream->clock.on_sender_report(clock->at, clock->timestamp);
    }
    if (record.resumes) {
        track.audio_gate().on_gap();
    }
    return track.handle_rtp(now, *stream, *view, extension_parser_.parse(*view), false);
}

void RelayedOwner::forward_pending(Instant now,
                                   sfu::EgressBatch& batch,
                                   transport::DatagramSink& sink) {
    for (const auto& track : tracks_) {
        track->forward_pending(now, batch, sink);
    }
}

void RelayedOwner::handle_timeout(Instant now) {
    for (const auto& track : tracks_) {
        track->handle_timeout(now);
    }
    touch();
}

Instant RelayedOwner::next_timeout() const {
    Instant earliest = kNever;
    for (const auto& track : tracks_) {
        earliest = std::min(earliest, track->next_timeout());
    }
    return earliest;
}

void RelayedOwner::touch() {
    if (!touched_) {
        touched_ = true;
        on_touched_(*this);
    }
}

}  // namespace isthmus::media::relay
