// A room: who is in it, and what each is told of the others.
//
// Owned by Rooms, on the signaling thread; no clock, no I/O. Changes collect until settle(), which
// Rooms calls at the end of each turn, so that what belongs together is told in one message.
// Updates are made once for everybody; each carries the whole of a participant, with a version that
// grows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/time.h"
#include "media/worker/conference_event.h"
#include "signaling/livekit/data_backlog.h"
#include "signaling/livekit/room_agenda.h"
#include "signaling/livekit/room_participant.h"
#include "signaling/livekit/signal_socket.h"

namespace isthmus::signaling::livekit {

struct RoomSettings {
    std::uint32_t empty_timeout_s = 300;     // before anybody came
    std::uint32_t departure_timeout_s = 20;  // after the last one left
    std::uint32_t participants_max = 0;      // 0: what the node takes
    std::string metadata;
};

// How soon others hear of a change.
enum class Urgency : std::uint8_t {
    kNow,    // at the end of the turn
    kLater,  // with others, within half a second, or 1.5 s in a large room: somebody who only
             // watches came or went
};

class Room {
  public:
    // It puts itself on the agenda, which outlives it, when it has something to tell.
    Room(std::string name,
         std::string sid,
         RoomSettings settings,
         std::int64_t created_unix_ms,
         RoomAgenda& agenda);
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }

    [[nodiscard]] const std::string& sid() const { return sid_; }

    [[nodiscard]] RoomSettings& settings() { return settings_; }

    // With the numbers of participants.
    [[nodiscard]] proto::Room info() const;

    // Random bytes that mark frames which the node made, for receivers of encrypted media.
    [[nodiscard]] const std::string& sif_trailer() const { return sif_trailer_; }

    void set_sif_trailer(std::string bytes) { sif_trailer_ = std::move(bytes); }

    using Participants = std::map<std::string, std::unique_ptr<RoomParticipant>, std::less<>>;

    [[nodiscard]] const Participants& participants() const { return participants_; }  // by sid

    [[nodiscard]] RoomParticipant* find(std::string_view sid);
    [[nodiscard]] RoomParticipant* find_identity(std::string_view identity);
    // Of what others can be sent, by its own id or its backup's. Both null where nobody publishes
    // it.
    [[nodiscard]] std::pair<RoomParticipant*, PublishedTrack*> find_track(
        std::string_view track_sid);
    [[nodiscard]] bool is_full() const;

    RoomParticipant& add(std::unique_ptr<RoomParticipant> participant);
    // Tells the others. What is returned may still be in a call, so it must live until the turn's
    // end.
    [[nodiscard]] std::unique_ptr<RoomParticipant> remove(std::string_view sid,
                                                          proto::DisconnectReason reason);

    // The participant is not as it was told any more.
    void changed(RoomParticipant& participant, Urgency urgency);

    // Name, metadata or limits are not.
    void room_changed() {
        room_changed_ = true;
        agenda_->add(*this);
    }

    // A track can be sent, or cannot any more: sessions subscribe to it, or let go.
    void track_published(RoomParticipant& publisher, PublishedTrack& track);
    void track_ended(RoomParticipant& publisher, const PublishedTrack& track);
    // The track's backup can be sent, or cannot any more.
    void backup_changed(RoomParticipant& publisher,
                        const PublishedTrack& track,
                        const BackupVideo& backup);
    // The publisher changed who may have its tracks.
    void audience_changed(RoomParticipant& publisher);

    void speakers_changed(const std::vector<media::Speaker>& speakers);
    void tell_qualities();

    // Everybody that the message is for, the sender excepted. `sender_sid` may be empty.
    void send_data(Instant now, const std::string& sender_sid, const RoutedData& data);
    // What was sent since `since`, to somebody whose data channels have just opened.
    void replay_data(Instant now, Instant since, RoomParticipant& receiver);

    // To everybody with a session.
    void broadcast(const proto::SignalResponse& response);

    // What the participant is sent must be negotiated, at the end of the turn.
    void negotiate_later(const std::string& sid) {
        negotiating_.insert(sid);
        agenda_->add(*this);
    }

    // Tells what changed. `now` decides of what may wait; true where something does.
    [[nodiscard]] bool settle(Instant now);

    // Which candidates the identity is to be told when it joins the next time: it asked for a trial
    // (SimulateScenario).
    void keep_protocol(const std::string& identity, proto::CandidateProtocol protocol);
    [[nodiscard]] proto::CandidateProtocol take_protocol(const std::string& identity);

    // Since when nobody is there; kNever while somebody is.
    [[nodiscard]] Instant empty_since() const { return empty_since_; }

    void set_empty_since(Instant now) { empty_since_ = now; }

    // Somebody has been in it.
    [[nodiscard]] bool was_used() const { return was_used_; }

  private:
    void flush_updates();

    std::string name_;
    std::string sid_;
    RoomSettings settings_;
    std::int64_t created_unix_ms_ = 0;
    RoomAgenda* agenda_;
    std::string sif_trailer_;
    Participants participants_;
    std::map<std::string, RoomParticipant*, std::less<>> by_identity_;
    std::map<std::string, RoomParticipant*, std::less<>> by_track_;  // who publishes it
    std::set<std::string, std::less<>> changed_;
    std::vector<proto::ParticipantInfo> departed_;
    std::set<std::string, std::less<>> negotiating_;
    bool flush_now_ = false;
    Instant changed_since_ = kNever;  // the first change that waits
    bool room_changed_ = false;
    Instant room_told_ = Instant::min();
    Instant empty_since_ = kNever;
    bool was_used_ = false;
    DataBacklog backlog_;
    std::map<std::string, proto::CandidateProtocol> protocols_;  // by identity
};

}  // namespace isthmus::signaling::livekit
