#include "signaling/livekit/signal_session.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "signaling/livekit/permissions.h"
#include "signaling/livekit/room.h"
#include "signaling/livekit/video_quality.h"

namespace isthmus::signaling::livekit {
namespace {

using media::ConnectionId;
using media::rtp::MediaKind;

// As the reference server has them.
constexpr std::int32_t kPingIntervalS = 5;
constexpr std::int32_t kPingTimeoutS = 15;
constexpr std::int64_t kRefreshedTokenS = 600;
constexpr std::size_t kChannelsMax = 16;
constexpr std::string_view kReliableLabel = "_reliable";
constexpr std::string_view kLossyLabel = "_lossy";

}  // namespace

SignalSession::SignalSession(SessionHost& host,
                             Room& room,
                             RoomParticipant& participant,
                             const Admission& admission)
    : host_(&host),
      room_(&room),
      participant_(&participant),
      token_(admission.token),
      join_(admission.join),
      began_(host.now()),
      auto_subscribe_(admission.join.connection_settings().auto_subscribe()),
      adaptive_(admission.join.connection_settings().adaptive_stream()),
      protocol_(room.take_protocol(participant.identity())),
      client_(host,
              *this,
              participant.tracks,
              admission.dual ? none_ : subscriptions_,
              admission.dual) {
    if (admission.dual) {
        ConnectionUser& user = *this;
        node_.emplace(host, user, subscriptions_);
    }
}

const std::string& SignalSession::participant_sid() const {
    return participant_->sid();
}

// ---- its socket ----

void SignalSession::enter(SignalSocket& socket) {
    socket_ = &socket;
    std::string others;
    for (const auto& [sid, other] : room_->participants()) {
        if (other.get() != participant_ && !other->hidden()) {
            others += other->as_other();
        }
    }
    const proto::SignalResponse join = make_join();
    send(OutgoingSignal(join, others));
    send_refreshed_token();
    if (auto_subscribe_) {
        want_all();
    }
    for (const proto::AddTrackRequest& track : join_.add_track_requests()) {
        handle_add_track(track);
    }
    if (node_) {
        node_->begin();
    }
    if (join_.has_publisher_offer()) {
        client_.on_offer(join_.publisher_offer());
    }
    join_.clear_publisher_offer();
    join_.clear_add_track_requests();
}

proto::SignalResponse SignalSession::make_join() const {
    proto::SignalResponse response;
    proto::JoinResponse& join = *response.mutable_join();
    *join.mutable_room() = room_->info();
    *join.mutable_participant() = participant_->snapshot();
    for (proto::ICEServer& server : host_->ice_servers(participant_->identity())) {
        *join.add_ice_servers() = std::move(server);
    }
    const bool has_tls = std::ranges::any_of(join.ice_servers(), [](const auto& server) {
        return server.urls_size() > 0 && server.urls(0).starts_with("turns:");
    });
    if (protocol_ == proto::TLS && has_tls) {
        join.mutable_client_configuration()->set_force_relay(proto::ENABLED);
    }
    join.set_subscriber_primary(node_.has_value());
    join.set_ping_interval(kPingIntervalS);
    join.set_ping_timeout(kPingTimeoutS);
    *join.mutable_server_info() = host_->server_info();
    join.set_server_version(host_->server_info().version());
    join.set_sif_trailer(room_->sif_trailer());
    for (const char* const mime :
         {"video/VP8", "video/H264", "video/VP9", "video/AV1", "audio/opus", "audio/red"}) {
        join.add_enabled_publish_codecs()->set_mime(mime);
    }
    return response;
}

void SignalSession::resume(SignalSocket& socket) {
    if (socket_ != nullptr) {
        std::exchange(socket_, nullptr)->close();
    }
    if (close_on_resume_) {
        close_on_resume_ = false;
        socket_lost_ = host_->now();
        socket.close();
        return;
    }
    socket_ = &socket;
    socket_lost_ = kNever;
    proto::SignalResponse response;
    proto::ReconnectResponse& reconnect = *response.mutable_reconnect();
    for (proto::ICEServer& server : host_->ice_servers(participant_->identity())) {
        *reconnect.add_ice_servers() = std::move(server);
    }
    *reconnect.mutable_server_info() = host_->server_info();
    reconnect.set_last_message_seq(data_.last_sequence());
    send(response);
    proto::SignalResponse everybody;
    for (const auto& [sid, other] : room_->participants()) {
        if (other.get() == participant_ || !other->hidden()) {
            *everybody.mutable_update()->add_participants() = other->snapshot();
        }
    }
    send(everybody);
    proto::SignalResponse room;
    *room.mutable_room_update()->mutable_room() = room_->info();
    send(room);
    if (node_) {
        node_->restart();
    }
    room_->negotiate_later(participant_sid());
}

void SignalSession::on_socket_closed(const SignalSocket& socket) {
    if (socket_ != &socket) {
        return;
    }
    socket_ = nullptr;
    socket_lost_ = host_->now();
    if (!connected_) {
        host_->remove(participant_sid(), proto::SIGNAL_CLOSE);
    }
}

void SignalSession::send(const OutgoingSignal& message) {
    if (socket_ != nullptr) {
        socket_->send(message);
    }
}

void SignalSession::leave(proto::DisconnectReason reason, proto::LeaveRequest::Action action) {
    proto::SignalResponse response;
    proto::LeaveRequest& leave = *response.mutable_leave();
    leave.set_reason(reason);
    leave.set_action(action);
    leave.set_can_reconnect(action != proto::LeaveRequest::DISCONNECT);
    send(response);
    if (socket_ != nullptr) {
        std::exchange(socket_, nullptr)->close();
    }
}

void SignalSession::send_refreshed_token() {
    access::AccessToken fresh = token_;
    const std::int64_t now_s = host_->unix_ms() / 1000;
    fresh.expires_unix_s = std::max(token_.expires_unix_s, now_s + kRefreshedTokenS);
    fresh.not_before_unix_s = 0;
    fresh.name = participant_->info.name();
    fresh.metadata = participant_->info.metadata();
    fresh.attributes.clear();
    for (const auto& [name, value] : participant_->info.attributes()) {
        fresh.attributes.insert_or_assign(name, value);
    }
    apply_permission(participant_->info.permission(), fresh.video);
    proto::SignalResponse response;
    response.set_refresh_token(host_->sign(fresh));
    send(response);
}

// ---- what happens to its connections ----

media::JoinRequest SignalSession::join_request() const {
    return {.conference = room_->name(),
            .identity = participant_->identity(),
            .name = participant_->info.name(),
            .can_publish = participant_->info.permission().can_publish(),
            .can_subscribe = participant_->info.permission().can_subscribe(),
            .hidden = participant_->hidden(),
            .participant_id = participant_->sid(),
            .names_tracks = true};
}

bool SignalSession::may_publish() const {
    return participant_->info.permission().can_publish();
}

void SignalSession::choose_candidates(media::sfu::LocalDescription& local) const {
    const auto is_udp = [](const media::transport::IceCandidate& candidate) {
        return candidate.protocol == media::transport::Protocol::kUdp;
    };
    // A node without ICE-TCP has nothing else.
    if (protocol_ == proto::TCP && !std::ranges::all_of(local.candidates, is_udp)) {
        std::erase_if(local.candidates, is_udp);
    }
}

void SignalSession::on_sending(ConnectionId /*connection*/,
                               const std::vector<std::string>& fresh_mids) {
    for (const std::string& mid : fresh_mids) {
        if (const WantedTrack* const track = subscriptions_.find_mid(mid)) {
            apply_wish(*track);
            tell_publisher(*track);
            tell_unplayable(*track);
        }
    }
    room_->negotiate_later(participant_sid());
}

void SignalSession::send_answer(const proto::SessionDescription& answer) {
    proto::SignalResponse response;
    *response.mutable_answer() = answer;
    send(response);
}

void SignalSession::send_offer(const proto::SessionDescription& offer) {
    proto::SignalResponse response;
    *response.mutable_offer() = offer;
    send(response);
}

const std::optional<ConnectionId>& SignalSession::sending() const {
    return node_ ? node_->id() : client_.id();
}

void SignalSession::refresh() {
    if (node_) {
        node_->refresh();
    } else {
        client_.refresh();
    }
}

void SignalSession::on_connection_failed(const std::string& sentence) {
    log::info("livekit", "{} in {}: {}", participant_->identity(), room_->name(), sentence);
    const bool joined = sending().has_value();
    leave(joined ? proto::STATE_MISMATCH : proto::JOIN_FAILURE,
          joined ? proto::LeaveRequest::RECONNECT : proto::LeaveRequest::DISCONNECT);
    host_->remove(participant_sid(), proto::JOIN_FAILURE);
}

void SignalSession::on_connected(ConnectionId /*connection*/) {
    connected_ = true;
}

void SignalSession::on_layers_wanted(const media::LayersWanted& event) {
    if (PublishedTrack* const track = participant_->tracks.find(event.track_id)) {
        track->wanted = event;
        tell_qualities(*track);
        return;
    }
    if (const auto [track, backup] = participant_->tracks.find_backup(event.track_id);
        backup != nullptr) {
        backup->wanted = event;
        tell_qualities(*track);
    }
}

void SignalSession::tell_qualities(const PublishedTrack& track) {
    proto::SignalResponse response;
    *response.mutable_subscribed_quality_update() = quality_update_of(track);
    send(response);
}

void SignalSession::on_stream_state(const media::StreamStateChanged& event) {
    const auto [publisher, track] = room_->find_track(event.track_id);
    if (track == nullptr) {
        return;
    }
    proto::SignalResponse response;
    proto::StreamStateInfo& state = *response.mutable_stream_state_update()->add_stream_states();
    state.set_participant_sid(publisher->sid());
    state.set_track_sid(track->info.sid());
    state.set_state(event.paused ? proto::StreamStateInfo::PAUSED : proto::StreamStateInfo::ACTIVE);
    send(response);
}

void SignalSession::on_channel_opened(const media::DataChannelOpened& event) {
    if (channels_.size() >= kChannelsMax) {
        return;
    }
    channels_.push_back({.connection = event.connection,
                         .id = event.channel,
                         .label = event.label,
                         .reliable = event.reliable});
    if (event.label == kReliableLabel && event.connection == sending()) {
        room_->replay_data(host_->now(), began_, *participant_);
    }
}

void SignalSession::on_channel_closed(const media::DataChannelClosed& event) {
    std::erase_if(channels_, [&event](const Channel& channel) {
        return channel.connection == event.connection && channel.id == event.channel;
    });
}

void SignalSession::on_data(const media::DataReceived& event) {
    const auto channel = std::ranges::find_if(channels_, [&event](const Channel& candidate) {
        return candidate.connection == event.connection && candidate.id == event.message.channel;
    });
    if (channel == channels_.end() || !event.message.bytes ||
        (channel->label != kReliableLabel && channel->label != kLossyLabel)) {
        return;
    }
    const proto::ParticipantPermission& permission = participant_->info.permission();
    const auto routed =
        data_.route(*event.message.bytes,
                    channel->label == kReliableLabel,
                    {.sid = participant_->sid(),
                     .identity = participant_->identity(),
                     .can_publish_data = permission.can_publish_data(),
                     .hidden = permission.hidden(),
                     .agent = participant_->info.kind() == proto::ParticipantInfo::AGENT});
    if (routed) {
        room_->send_data(host_->now(), participant_->sid(), *routed);
    }
}

void SignalSession::send_data(const RoutedData& data) {
    const std::string_view label = data.reliable ? kReliableLabel : kLossyLabel;
    const auto channel = std::ranges::find_if(channels_, [&](const Channel& candidate) {
        return candidate.label == label && candidate.connection == sending();
    });
    if (channel != channels_.end()) {
        host_->switchboard().send_data(
            channel->connection, {.channel = channel->id, .binary = true, .bytes = data.bytes});
    }
}

void SignalSession::settle() {
    if (node_) {
        node_->settle();
        return;
    }
    // Its first offer comes of itself.
    if (socket_ == nullptr || !client_.id() || !subscriptions_.needs_offer()) {
        return;
    }
    const Shortfall shortfall = subscriptions_.shortfall();
    subscriptions_.asked();
    proto::SignalResponse response;
    proto::MediaSectionsRequirement& requirement = *response.mutable_media_sections_requirement();
    requirement.set_num_audios(shortfall.audios);
    requirement.set_num_videos(shortfall.videos);
    send(response);
}

}  // namespace isthmus::signaling::livekit
