#include "media/sfu/audio_gate.h"

#include <algorithm>
#include <cstddef>

#include "media/sfu/conference.h"
#include "media/sfu/published_track.h"
#include "media/sfu/red_forwarding.h"

namespace isthmus::media::sfu {
namespace {

constexpr std::int64_t kOnsetPackets = 2;
// Longer ago is no part of the same word.
constexpr std::uint32_t kOnsetMs = 60;

// What end-to-end encryption adds to each frame at least: GCM's tag, an IV and the key's index.
constexpr std::size_t kEncryptionBytes = 16 + 12 + 2;

std::size_t sound_bytes(const PublishedTrack& track, std::size_t payload_bytes) {
    const std::size_t added = track.section().encrypted ? kEncryptionBytes : 0;
    return payload_bytes - std::min(payload_bytes, added);
}

}  // namespace

bool AudioGate::passes(Instant now, PublishedTrack& track, const TrackPacket& packet) {
    if (conference == nullptr ||
        conference->on_audio(now,
                             track,
                             packet.extensions.audio_level,
                             sound_bytes(track, packet.own_payload().size()))) {
        return true;
    }
    closed_ = true;
    return false;
}

void AudioGate::queue(Instant now,
                      const TrackPacket& packet,
                      const rtp::HeaderExtensionParser& parser,
                      std::vector<TrackPacket>& pending) {
    const rtp::SourcePacket source{.source = packet.stream->source, .seq = packet.seq};
    const std::size_t begins_at = pending.size();
    // A late packet does not begin anything: it has its place among those that passed before.
    const bool begins = closed_ && is_new(source);
    if (begins) {
        add_onset(now, packet, parser, pending);
    }
    pending.push_back(packet);
    if (begins) {
        pending[begins_at].resumes = true;
        closed_ = false;
    }
    if (is_new(source)) {
        passed_ = source;
    }
}

void AudioGate::add_onset(Instant now,
                          const TrackPacket& packet,
                          const rtp::HeaderExtensionParser& parser,
                          std::vector<TrackPacket>& pending) const {
    const auto ticks_max =
        static_cast<std::int32_t>(packet.stream->clock.clock_hz() / 1000 * kOnsetMs);
    for (std::int64_t before = kOnsetPackets; before > 0; --before) {
        const rtp::ExtendedSeq seq = rtp::advance(packet.seq, -before);
        const auto cached = packet.stream->cache.find(now, seq);
        if (!cached || cached->payload_type != packet.packet.payload_type ||
            !is_new({.source = packet.stream->source, .seq = seq})) {
            continue;
        }
        const std::int32_t ticks = rtp::distance(cached->timestamp, packet.packet.timestamp);
        TrackPacket earlier = packet;
        earlier.packet = *cached;
        earlier.extensions = parser.parse(*cached);
        earlier.seq = seq;
        if (ticks > 0 && ticks <= ticks_max &&
            (packet.red_primary_at == 0 || read_red(packet.block_type, earlier))) {
            pending.push_back(earlier);
        }
    }
}

}  // namespace isthmus::media::sfu
