// One client that speaks the LiveKit protocol: what it asks for, and what it is told.
//
// It lives as long as its participant and survives its socket: a client that lost the socket comes
// back to the same session (resume), while the media goes on. What is asked of it is in
// session_requests.cpp, what it is sent in session_subscriptions.cpp; offers and answers are
// ClientConnection's, what goes into which section is decided in Subscriptions. Signaling thread;
// no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <signaling/livekit/proto/rtc.pb.h>

#include "media/worker/conference_event.h"
#include "signaling/access/token.h"
#include "signaling/livekit/client_connection.h"
#include "signaling/livekit/data_router.h"
#include "signaling/livekit/node_connection.h"
#include "signaling/livekit/room_participant.h"
#include "signaling/livekit/session_host.h"
#include "signaling/livekit/signal_socket.h"
#include "signaling/livekit/subscriptions.h"

namespace isthmus::signaling::livekit {

class Room;
enum class Urgency : std::uint8_t;

class SignalSession final : private ConnectionUser {
  public:
    // `host`, `room` and `participant` outlive it.
    SignalSession(SessionHost& host,
                  Room& room,
                  RoomParticipant& participant,
                  const Admission& admission);
    SignalSession(const SignalSession&) = delete;
    SignalSession& operator=(const SignalSession&) = delete;

    // ---- its socket ----
    // Tells who is there, and begins with what came in the join request.
    void enter(SignalSocket& socket);
    void resume(SignalSocket& socket);
    void on_socket_closed(const SignalSocket& socket);

    [[nodiscard]] bool has_socket() const { return socket_ != nullptr; }

    // Since when it has none; kNever while it has.
    [[nodiscard]] Instant socket_lost() const { return socket_lost_; }

    [[nodiscard]] Instant began() const { return began_; }

    void on_request(const proto::SignalRequest& request);
    void send(const OutgoingSignal& message);

    void send(const proto::SignalResponse& response) { send(OutgoingSignal(response)); }

    // The client is told, and its socket closed.
    void leave(proto::DisconnectReason reason, proto::LeaveRequest::Action action);
    void send_refreshed_token();

    // ---- what happens in its room ----
    void on_track_published(RoomParticipant& publisher, const PublishedTrack& track);
    void on_track_ended(const std::string& track_sid);
    void on_audience_changed(const RoomParticipant& publisher);
    // The track can be sent in other codecs than before.
    void on_forms_changed(const PublishedTrack& track);
    void on_permission_changed();
    // Somebody cannot play the track of this participant.
    void ask_for_backup(PublishedTrack& track);
    void on_tick();
    // As the client itself or a server asks.
    void update_subscription(const proto::UpdateSubscription& update);

    // ---- what happens to its connections ----
    void on_connected(media::ConnectionId connection);
    void on_layers_wanted(const media::LayersWanted& event);
    void on_stream_state(const media::StreamStateChanged& event);
    void on_channel_opened(const media::DataChannelOpened& event);
    void on_channel_closed(const media::DataChannelClosed& event);
    void on_data(const media::DataReceived& event);
    void send_data(const RoutedData& data);

    [[nodiscard]] bool is_connected() const { return connected_; }

    // Asks the client for an offer, or makes one, where what is wanted changed.
    void settle();

    [[nodiscard]] ClientConnection& client_connection() { return client_; }

    // Null for a client with one connection.
    [[nodiscard]] NodeConnection* node_connection() { return node_ ? &*node_ : nullptr; }

    [[nodiscard]] const std::string& participant_sid() const override;

  private:
    struct Channel {
        media::ConnectionId connection;
        std::uint16_t id = 0;
        std::string label;
        bool reliable = true;
    };

    // ConnectionUser
    [[nodiscard]] media::JoinRequest join_request() const override;
    [[nodiscard]] bool may_publish() const override;
    void choose_candidates(media::sfu::LocalDescription& local) const override;
    void on_sending(media::ConnectionId connection,
                    const std::vector<std::string>& fresh_mids) override;
    void send_answer(const proto::SessionDescription& answer) override;
    void send_offer(const proto::SessionDescription& offer) override;
    void on_connection_failed(const std::string& sentence) override;

    // Without the others.
    [[nodiscard]] proto::SignalResponse make_join() const;
    void want_all();
    void want(const RoomParticipant& publisher, const PublishedTrack& track);
    void drop(const std::string& track_sid);
    // The connection that it is sent tracks and data on.
    [[nodiscard]] const std::optional<media::ConnectionId>& sending() const;
    void refresh();
    [[nodiscard]] bool may_have(const RoomParticipant& publisher,
                                const std::string& track_sid) const;
    // Changes that are told at once are bounded in number: each goes to everybody.
    [[nodiscard]] Urgency urgency();
    [[nodiscard]] bool may_publish_source(proto::TrackSource source) const;
    void apply_wish(const WantedTrack& track);
    void tell_publisher(const WantedTrack& track);
    void tell_qualities(const PublishedTrack& track);
    void tell_unplayable(const WantedTrack& track);

    void handle_add_track(const proto::AddTrackRequest& request);
    void handle_mute(const proto::MuteTrackRequest& request);
    void handle_track_setting(const proto::UpdateTrackSettings& settings);
    void handle_metadata(const proto::UpdateParticipantMetadata& update);
    void handle_audience(const proto::SubscriptionPermission& permission);
    void handle_sync(const proto::SyncState& state);
    void handle_simulate(const proto::SimulateScenario& scenario);
    void tell_speaking(bool active);
    void handle_audio_track(const proto::UpdateLocalAudioTrack& update);
    void handle_video_track(const proto::UpdateLocalVideoTrack& update);
    void handle_ping();
    void handle_ping(const proto::Ping& ping);
    void refuse_data_track(const proto::SignalRequest& request);
    void refuse(proto::RequestResponse response,
                proto::RequestResponse::Reason reason,
                std::string sentence);

    SessionHost* host_;
    Room* room_;
    RoomParticipant* participant_;
    access::AccessToken token_;
    proto::JoinRequest join_;
    SignalSocket* socket_ = nullptr;
    Instant socket_lost_ = kNever;
    Instant began_;
    bool auto_subscribe_ = true;
    bool adaptive_ = false;
    bool connected_ = false;
    Instant changes_since_{};
    int changes_ = 0;
    proto::CandidateProtocol protocol_;  // asked for by the session before
    bool close_on_resume_ = false;       // asked for by a simulated failure
    Instant speaks_until_ = kNever;      // as the client asked to be told, to try it out
    std::vector<Channel> channels_;
    DataRouter data_;
    Subscriptions subscriptions_;
    Subscriptions none_;                  // what a connection that only publishes is sent
    std::optional<NodeConnection> node_;  // to subscribe, where it has two
    ClientConnection client_;
};

}  // namespace isthmus::signaling::livekit
