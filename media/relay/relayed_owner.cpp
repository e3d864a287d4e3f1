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

}  // namespace

RelayedOwner::RelayedOwner(OwnerAnnounced announced,
                           const sfu::SfuLimits& limits,
                           std::uint32_t first_source,
                           std::function<void(RelayedOwner&)> on_touched)
    : announced_(std::move(announced)),
      limits_(limits),
      extension_parser_(announced_.extensions),
      on_touched_(std::move(on_touched)),
      next_source_(first_source) {
    for (RelayedTrackInfo& track : std::exchange(announced_.tracks, {})) {
        add_track(announced_.extensions, std::move(track));
    }
}

sfu::PublishedTrack& RelayedOwner::add_track(const rtp::ExtensionIds& extensions,
                                             RelayedTrackInfo info) {
    extension_parser_ = rtp::HeaderExtensionParser(extensions);
    tracks_.push_back(std::make_unique<sfu::PublishedTrack>(
        std::move(info.id), without_nack(std::move(info.section)), *this, limits_));
    slots_.resize(std::max<std::size_t>(slots_.size(), info.number + 1U));
    slots_[info.number].track = tracks_.back().get();
    return *tracks_.back();
}

std::unique_ptr<sfu::PublishedTrack> RelayedOwner::remove_track(std::uint16_t number) {
    if (number >= slots_.size() || slots_[number].track == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::find_if(
        tracks_, [&](const auto& track) { return track.get() == slots_[number].track; });
    auto removed = std::move(*found);
    tracks_.erase(found);
    slots_[number] = {};
    return removed;
}

sfu::InboundStream* RelayedOwner::stream_for(sfu::PublishedTrack& track,
                                             const RelayRecord& record,
                                             std::uint32_t ssrc) {
    const auto found = std::ranges::find_if(
        track.streams(), [ssrc](const auto& stream) { return stream->receive.ssrc() == ssrc; });
    if (found != track.streams().end()) {
        return found->get();
    }
    if (track.streams().size() >= limits_.ssrcs_per_track) {
        return nullptr;
    }
    return track.add_stream(ssrc, record.rid(), next_source_++);
}

bool RelayedOwner::handle_packet(Instant now,
                                 const RelayRecord& record,
                                 std::span<std::byte> packet) {
    const auto view = rtp::RtpPacketView::parse(packet);
    if (!view || record.track >= slots_.size() || slots_[record.track].track == nullptr) {
        return false;
    }
    sfu::PublishedTrack& track = *slots_[record.track].track;
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
