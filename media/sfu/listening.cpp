#include "media/sfu/listening.h"

#include <algorithm>
#include <array>

#include "media/sfu/active_speakers.h"
#include "media/sfu/participant.h"
#include "media/sfu/published_track.h"
#include "media/sfu/subscription.h"

namespace isthmus::media::sfu {
namespace {

using Sections = std::span<const std::unique_ptr<Subscription>>;

bool carries(Sections sections, const PublishedTrack* track) {
    return std::ranges::any_of(sections,
                               [track](const auto& section) { return section->track() == track; });
}

// A section for `track` that is free or carries nothing of `wanted`; null where there is none.
Subscription* find_section(Sections sections,
                           const PublishedTrack& track,
                           std::span<PublishedTrack* const> wanted) {
    Subscription* found = nullptr;
    for (const auto& section : sections) {
        if (!section->takes(track) || std::ranges::find(wanted, section->track()) != wanted.end()) {
            continue;
        }
        found = section.get();
        if (section->track() == nullptr) {
            break;
        }
    }
    return found;
}

}  // namespace

void listen_to(Instant now,
               const Participant& listener,
               Sections sections,
               std::span<PublishedTrack* const> loudest) {
    const auto sections_for_audio =
        static_cast<std::size_t>(std::ranges::count_if(sections, [](const auto& section) {
            return section->section().kind == rtp::MediaKind::kAudio;
        }));
    std::array<PublishedTrack*, ActiveSpeakers::kRankedMax> wanted{};
    std::size_t count = 0;
    for (PublishedTrack* track : loudest) {
        if (count < std::min(sections_for_audio, wanted.size()) &&
            track->owner().participant_id() != listener.id()) {
            wanted[count++] = track;
        }
    }
    for (PublishedTrack* track : std::span(wanted).first(count)) {
        if (carries(sections, track)) {
            continue;
        }
        if (Subscription* section =
                find_section(sections, *track, std::span(wanted).first(count))) {
            section->unbind();
            section->bind(now, *track);
        }
    }
}

}  // namespace isthmus::media::sfu
