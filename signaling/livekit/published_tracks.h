// The tracks of one participant: announced by add_track, negotiated in a section, visible to others
// once media can come.
//
// A track's id is ours from the announcement on; an offer's section is matched to it by the
// client's own id (cid), which is the second word of its a=msid. Participants of other doors (WHIP)
// have tracks without an announcement.
//
// A video may have a backup: the same picture in a codec that everybody can play, in a section of
// its own, which the client sends when it is asked to. To clients both are one track; to the media
// the backup is another one, with an id of its own.
//
// Driven by SignalSession and Room; no I/O.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/random.h"
#include "media/rtp/payload_format.h"
#include "media/worker/conference_event.h"

namespace isthmus::signaling::livekit {

namespace proto = ::livekit;

struct BackupVideo {
    std::string codec;  // "vp8"
    std::string id;     // to the media
    std::string cid;    // empty until the client sends it
    std::string mid;
    bool live = false;
    bool asked_for = false;
    std::optional<media::LayersWanted> wanted;  // as the publisher was told last
};

struct PublishedTrack {
    proto::TrackInfo info;
    std::string cid;          // empty for those of other doors
    bool live = false;        // others are told of it
    bool subscribed = false;  // the publisher has been told that somebody watches
    std::optional<BackupVideo> backup = {};
    std::optional<media::LayersWanted> wanted = {};
};

// What the track can be sent as, the one that is to be sent wherever it can be played first.
struct TrackForm {
    std::string id;  // to the media
    std::optional<media::rtp::Codec> codec;
};

[[nodiscard]] std::vector<TrackForm> forms_of(const PublishedTrack& track);

// A section is for a track, or for its backup.
struct SectionTrack {
    PublishedTrack* track = nullptr;
    BackupVideo* backup = nullptr;  // of the track, where it is meant
};

// The track's "<participant>|<rest>" stream (a=msid's first word): what has the same is played in
// step.
[[nodiscard]] std::string stream_of(std::string_view participant_sid,
                                    const proto::TrackInfo& track);

[[nodiscard]] media::rtp::MediaKind media_kind(const proto::TrackInfo& track);

class PublishedTracks {
  public:
    explicit PublishedTracks(RandomSource& random) : random_(&random) {}

    // Nothing where there are too many, or the announcement makes no sense. The same cid again is
    // the same track; one with the id of a track is its backup.
    [[nodiscard]] PublishedTrack* announce(const proto::AddTrackRequest& request);

    // The track that the section is for: that of the cid, else the first of the kind that no
    // section has. Null where none was announced.
    [[nodiscard]] SectionTrack match(std::string_view cid,
                                     media::rtp::MediaKind kind,
                                     std::string_view mid);

    // Media can come: others may be told. Adds the track where nobody announced it.
    PublishedTrack& publish(const media::TrackPublished& event);
    // False where it was not there.
    bool remove(std::string_view sid);

    [[nodiscard]] PublishedTrack* find(std::string_view sid);
    // The track whose backup has the id, and that backup.
    [[nodiscard]] SectionTrack find_backup(std::string_view id);

    [[nodiscard]] std::vector<PublishedTrack>& all() { return tracks_; }

    [[nodiscard]] const std::vector<PublishedTrack>& all() const { return tracks_; }

    [[nodiscard]] std::size_t count_live() const;

  private:
    [[nodiscard]] PublishedTrack* announce_backup(const proto::AddTrackRequest& request);
    [[nodiscard]] std::string make_sid(proto::TrackType type, proto::TrackSource source);

    RandomSource* random_;
    std::vector<PublishedTrack> tracks_;
};

}  // namespace isthmus::signaling::livekit
