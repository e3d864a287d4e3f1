// The tracks of one participant: announced by add_track, negotiated in a section, visible to others
// once media can come.
//
// A track's id is ours from the announcement on; an offer's section is matched to it by the
// client's own id (cid), which is the second word of its a=msid. Participants of other doors (WHIP)
// have tracks without an announcement. Driven by SignalSession and Room; no I/O.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/random.h"
#include "media/rtp/payload_format.h"
#include "media/worker/conference_event.h"

namespace isthmus::signaling::livekit {

namespace proto = ::livekit;

struct PublishedTrack {
    proto::TrackInfo info;
    std::string cid;          // empty for those of other doors
    bool live = false;        // others are told of it
    bool subscribed = false;  // the publisher has been told that somebody watches
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
    // the same track.
    [[nodiscard]] PublishedTrack* announce(const proto::AddTrackRequest& request);

    // The track that the section is for: that of the cid, else the first of the kind that no
    // section has. Null where none was announced.
    [[nodiscard]] PublishedTrack* match(std::string_view cid,
                                        media::rtp::MediaKind kind,
                                        std::string_view mid);

    // Media can come: others may be told. Adds the track where nobody announced it.
    PublishedTrack& publish(const media::TrackPublished& event);
    // False where it was not there.
    bool remove(std::string_view sid);

    [[nodiscard]] PublishedTrack* find(std::string_view sid);

    [[nodiscard]] std::vector<PublishedTrack>& all() { return tracks_; }

    [[nodiscard]] const std::vector<PublishedTrack>& all() const { return tracks_; }

    [[nodiscard]] std::size_t count_live() const;

  private:
    [[nodiscard]] std::string make_sid(proto::TrackType type, proto::TrackSource source);

    RandomSource* random_;
    std::vector<PublishedTrack> tracks_;
};

}  // namespace isthmus::signaling::livekit
