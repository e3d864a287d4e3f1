#include "media/worker/conference_news.h"

#include <string>
#include <utility>

namespace isthmus::media {
namespace {

std::vector<LayerWanted> layers_of(const sfu::PublishedTrack& track, sfu::WantedSize wanted) {
    std::vector<LayerWanted> layers;
    layers.reserve(track.size_count());
    for (std::size_t rank = 0; rank < track.size_count(); ++rank) {
        layers.push_back({.rid = track.rid_by_rank(rank),
                          .spatial = static_cast<std::uint8_t>(rank),
                          .wanted = wanted && rank <= *wanted});
    }
    return layers;
}

}  // namespace

void tell_published(const sfu::Participant& participant,
                    const sfu::PublishedTrack& track,
                    ConferenceEvents& events) {
    const sfu::MediaSection& section = track.section();
    events.emplace_back(
        TrackPublished{.connection = {participant.connection()},
                       .track_id = track.id(),
                       .mid = section.mid,
                       .kind = section.kind,
                       .codec = std::string(rtp::name_of(section.formats.front().codec)),
                       .simulcast = track.is_simulcast()});
}

void tell_ended(const sfu::Participant& participant,
                const sfu::PublishedTrack& track,
                ConferenceEvents& events) {
    events.emplace_back(
        TrackEnded{.connection = {participant.connection()}, .track_id = track.id()});
}

void tell_news(Instant now, sfu::Participant& participant, ConferenceEvents& events) {
    if (!participant.connected()) {
        return;
    }
    const ConnectionId connection{participant.connection()};
    participant.poll_demands(now, [&](const sfu::PublishedTrack& track, sfu::WantedSize wanted) {
        events.emplace_back(LayersWanted{
            .connection = connection, .track_id = track.id(), .layers = layers_of(track, wanted)});
    });
    participant.poll_starved([&](const sfu::PublishedTrack& track, bool starved) {
        events.emplace_back(StreamStateChanged{
            .connection = connection, .track_id = track.id(), .paused = starved});
    });
    if (const auto figures = participant.poll_figures(now)) {
        events.emplace_back(ConnectionMeasured{.connection = connection,
                                               .loss_up = figures->loss_up,
                                               .loss_down = figures->loss_down,
                                               .round_trip_seconds = figures->round_trip_seconds});
    }
}

void tell_speakers(Instant now, sfu::Conference& conference, ConferenceEvents& events) {
    SpeakersChanged changed{.conference = conference.name(), .speakers = {}};
    for (const auto& [owner, level] : conference.finish_speaker_interval(now)) {
        changed.speakers.push_back({.participant_id = owner->participant_id(),
                                    .level = level.level,
                                    .active = level.active});
    }
    if (!changed.speakers.empty()) {
        events.emplace_back(std::move(changed));
    }
}

}  // namespace isthmus::media
