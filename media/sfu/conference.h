// Who is in a conference, and who is sent what.
//
// Matches the sections that viewers can be sent media on with the tracks that others publish, each
// time that somebody connects, leaves, publishes, or begins to speak. Who names tracks is sent
// those, others what there is. Does not touch packets: those go from a
// track to its subscriptions; of audio packets it is told the level, and says whether they go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/time.h"
#include "media/rtp/header_extensions.h"
#include "media/sfu/audio_selection.h"
#include "media/sfu/speaker_levels.h"

namespace isthmus::media::sfu {

class Participant;
class PublishedTrack;
class TrackOwner;

struct ConferenceConfig {
    std::string id;
    std::string name;
    std::int64_t created_at_unix_ms = 0;
    std::uint32_t audio_loudest = 3;  // see SfuLimits
    std::uint32_t audio_all_up_to = 0;
};

class Conference {
  public:
    explicit Conference(ConferenceConfig config);

    // Does not own: the worker does. A participant is in one conference, from add() to remove().
    void add(Participant& participant);
    // Ends every subscription of and to the participant, and lets freed places be used again.
    void remove(Instant now, Participant& participant);
    // Its tracks are there for others now, and others' tracks for it.
    void on_connected(Instant now, Participant& participant);

    // One more track of somebody whose tracks others may be sent, or one less: it must stay until
    // the call returns.
    void begin_track(Instant now, TrackOwner& owner, PublishedTrack& track);
    void end_track(Instant now, PublishedTrack& track);
    // The participant's sections have changed.
    void renew_subscriptions(Instant now, Participant& viewer);

    // Tracks of somebody who is on another worker; until remove_owner().
    void add_owner(Instant now, TrackOwner& owner);
    void remove_owner(Instant now, TrackOwner& owner);

    // A packet of one of its audio tracks. Returns whether the track's subscribers get it.
    bool on_audio(Instant now,
                  PublishedTrack& track,
                  std::optional<rtp::AudioLevel> level,
                  std::size_t payload_bytes);

    [[nodiscard]] const AudioSelection& audio() const { return audio_; }

    // Once per SpeakerLevels::kInterval: participants of this worker who are louder, quieter, or
    // silent now.
    struct SpeakerChange {
        const TrackOwner* owner = nullptr;
        SpeakerLevel level;
    };

    [[nodiscard]] std::vector<SpeakerChange> finish_speaker_interval(Instant now);

    // Null where nobody has it.
    [[nodiscard]] Participant* find_identity(std::string_view identity) const;

    // In order of joining; who has two connections is there twice.
    [[nodiscard]] const std::vector<Participant*>& participants() const { return participants_; }

    // Connections.
    [[nodiscard]] std::size_t size() const { return participants_.size(); }

    // Participants, however many connections each has.
    [[nodiscard]] std::size_t people() const { return connections_.size(); }

    [[nodiscard]] bool has_participant(const std::string& id) const {
        return connections_.contains(id);
    }

    [[nodiscard]] const std::string& id() const { return config_.id; }

    [[nodiscard]] const std::string& name() const { return config_.name; }

    [[nodiscard]] std::int64_t created_at_unix_ms() const { return config_.created_at_unix_ms; }

  private:
    // Fills free sections of `viewer` with tracks that it is not sent yet.
    void subscribe_to_all(Instant now, Participant& viewer);
    static void subscribe(Instant now, Participant& viewer, const TrackOwner& owner);
    void bind_wanted(Instant now, Participant& viewer);
    void offer_to_all(Instant now, const TrackOwner& owner);
    void withdraw_from_all(Instant now, const TrackOwner& owner);
    // Others may be sent it; again: nothing.
    void enlist(TrackOwner& owner, PublishedTrack& track);
    // Returns whether the ranking of speakers changed.
    bool delist(PublishedTrack& track);
    // The ranking of speakers changed: those who hear only some of them hear others now.
    void update_listeners(Instant now);

    ConferenceConfig config_;
    std::vector<Participant*> participants_;
    boost::unordered_flat_map<std::string, std::uint32_t> connections_;  // by participant's id
    std::vector<TrackOwner*> owners_;  // participants and links, in order of joining
    boost::unordered_flat_map<std::string, PublishedTrack*> tracks_;  // enlisted, by id
    AudioSelection audio_;
    SpeakerLevels levels_;  // of this worker's participants
};

}  // namespace isthmus::media::sfu
