// All rooms of the node, and who is in them: sockets of LiveKit's clients come in, events of the
// media come in, and what follows is told.
//
// A conference of the switchboard is a room of the same name; participants that came by WHIP or
// WHEP appear as the switchboard tells of them. Each call from outside is a turn: what it changes
// is told when it ends, and what it removes lives until then. on_tick() is to be called a few times
// a second. Signaling thread; no socket, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <signaling/livekit/proto/room_service.pb.h>

#include "base/http/message.h"
#include "base/random.h"
#include "base/time.h"
#include "media/worker/switchboard.h"
#include "signaling/access/token.h"
#include "signaling/livekit/room.h"
#include "signaling/livekit/room_agenda.h"
#include "signaling/livekit/session_host.h"
#include "signaling/livekit/signal_session.h"
#include "signaling/livekit/signal_socket.h"

namespace isthmus::signaling::livekit {

struct RoomsConfig {
    access::ApiKeys keys;
    RoomSettings room;  // of rooms that nobody made otherwise
    std::size_t rooms_max = 10'000;
    bool make_rooms = true;  // by joining; else only those that a server made
    std::function<std::vector<proto::ICEServer>(const std::string& identity)> ice_servers;
    // What other servers are told (webhooks); may be empty.
    std::function<void(const proto::WebhookEvent&)> tell;
};

struct RoomsStats {
    std::uint64_t joins = 0;
    std::uint64_t resumes = 0;
    std::uint64_t refused = 0;
    std::uint64_t malformed = 0;  // messages

    std::uint64_t rooms = 0;  // now
    std::uint64_t participants = 0;
    std::uint64_t sessions = 0;
};

class Rooms final : public SessionHost, public SignalHub {
  public:
    using WallClock = std::function<std::int64_t()>;  // ms since 1970

    // `switchboard` and `random` outlive it; it outlives the switchboard's last answer.
    Rooms(RoomsConfig config,
          media::Switchboard& switchboard,
          RandomSource& random,
          WallClock wall_clock);
    ~Rooms() override;
    Rooms(const Rooms&) = delete;
    Rooms& operator=(const Rooms&) = delete;

    void on_tick(Instant now);
    void on_event(const media::ConferenceEvent& event);
    void on_connection_gone(const media::ConnectionGone& gone);

    // Why nobody may join with it now, or nothing.
    [[nodiscard]] std::optional<http::Response> check(const access::AccessToken& token);
    // Everybody has to leave, for the server ends its service; whoever comes back is refused as
    // the switchboard says.
    void end_all();
    // Off: nobody may join any more; everybody is told to leave.
    void shut_down();

    [[nodiscard]] RoomsStats stats() const;

    // ---- what a server's API stands on ----
    [[nodiscard]] Room* find(std::string_view name);

    [[nodiscard]] const std::map<std::string, std::unique_ptr<Room>, std::less<>>& all() const {
        return rooms_;
    }

    [[nodiscard]] const RoomSettings& default_settings() const { return config_.room; }

    // Null where there are too many.
    [[nodiscard]] Room* find_or_make(const std::string& name, const RoomSettings& settings);
    // The client is told to leave for the reason.
    void expel(RoomParticipant& participant, proto::DisconnectReason reason);
    void close_room(const std::string& name, proto::DisconnectReason reason);

    // SessionHost
    [[nodiscard]] media::Switchboard& switchboard() override { return *switchboard_; }

    [[nodiscard]] RandomSource& random() override { return *random_; }

    [[nodiscard]] Instant now() const override { return now_; }

    [[nodiscard]] std::int64_t unix_ms() const override { return wall_clock_(); }

    [[nodiscard]] std::vector<proto::ICEServer> ice_servers(
        const std::string& identity) const override;

    [[nodiscard]] const proto::ServerInfo& server_info() const override { return server_info_; }

    [[nodiscard]] std::string sign(const access::AccessToken& token) const override;
    [[nodiscard]] SignalSession* find_session(std::string_view participant_sid) override;
    void bind(media::ConnectionId connection, const std::string& participant_sid) override;
    void abandon(media::ConnectionId connection) override;
    void remove(const std::string& participant_sid, proto::DisconnectReason reason) override;
    void end_turn() override;

    // SignalHub
    void on_socket_open(SignalSocket& socket) override;
    void on_socket_request(SignalSocket& socket, const proto::SignalRequest& request) override;
    void on_socket_garbage(SignalSocket& socket) override;
    void on_socket_closed(SignalSocket& socket) override;

  private:
    struct Place {
        Room* room = nullptr;
        RoomParticipant* participant = nullptr;
    };

    [[nodiscard]] Place* place_of(std::string_view participant_sid);
    [[nodiscard]] Place* place_of(media::ConnectionId connection);
    [[nodiscard]] RoomSettings settings_of(const access::AccessToken& token) const;
    void enter(SignalSocket& socket);
    void resume(SignalSocket& socket);
    RoomParticipant& add(Room& room, const ParticipantProfile& profile);
    void dismiss(SignalSocket& socket,
                 proto::DisconnectReason reason,
                 proto::LeaveRequest::Action action);

    void handle(const media::ParticipantJoined& event);
    void handle(const media::ParticipantConnected& event);
    void handle(const media::TrackPublished& event);
    void handle(const media::TrackEnded& event);
    void handle(const media::SpeakersChanged& event);
    void handle(const media::StreamStateChanged& event);
    void handle(const media::LayersWanted& event);
    void handle(const media::ConnectionMeasured& event);
    void handle(const media::DataChannelOpened& event);
    void handle(const media::DataReceived& event);
    void handle(const media::DataChannelClosed& event);

    void tell(std::string_view event,
              const Room& room,
              const RoomParticipant* participant = nullptr,
              const PublishedTrack* track = nullptr);

    void check_sessions();
    void close_empty_rooms();
    void tell_qualities();

    RoomsConfig config_;
    media::Switchboard* switchboard_;
    RandomSource* random_;
    WallClock wall_clock_;
    proto::ServerInfo server_info_;
    Instant now_{};
    Instant checked_{};
    Instant qualities_told_{};
    Instant tokens_sent_{};
    bool accepting_ = true;
    RoomsStats counters_;
    RoomAgenda agenda_;
    std::map<std::string, std::unique_ptr<Room>, std::less<>> rooms_;
    std::map<std::string, Place, std::less<>> places_;  // by participant's sid
    std::map<media::ConnectionId, std::string> connections_;
    // Connections whose participants were removed before the switchboard told of them.
    std::set<media::ConnectionId> orphans_;
    // Removed in this turn.
    std::vector<std::unique_ptr<RoomParticipant>> graveyard_;
    std::vector<std::unique_ptr<Room>> closed_;
};

}  // namespace isthmus::signaling::livekit
