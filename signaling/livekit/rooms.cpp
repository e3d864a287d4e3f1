#include "signaling/livekit/rooms.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "signaling/livekit/permissions.h"

namespace isthmus::signaling::livekit {
namespace {

// What clients take the server for: they need x.y.z, and at least 1.8 for calls between clients.
constexpr std::string_view kServerVersion = "1.13.5";
constexpr std::int32_t kProtocol = 17;
constexpr std::size_t kSidCharacters = 12;
constexpr std::size_t kTrailerCharacters = 16;
// A client that has not connected its media by then never will.
constexpr Duration kJoinTime = std::chrono::seconds(60);
// Clients try for 45 s to come back before they give up.
constexpr Duration kResumeTime = std::chrono::seconds(60);
constexpr Duration kQualityTime = std::chrono::seconds(5);
// Everybody is looked at then; all timeouts are of whole seconds.
constexpr Duration kCheckTime = std::chrono::seconds(1);
constexpr Duration kTokenTime = std::chrono::minutes(5);

}  // namespace

Rooms::Rooms(RoomsConfig config,
             media::Switchboard& switchboard,
             RandomSource& random,
             WallClock wall_clock)
    : config_(std::move(config)),
      switchboard_(&switchboard),
      random_(&random),
      wall_clock_(std::move(wall_clock)) {
    server_info_.set_version(std::string(kServerVersion));
    server_info_.set_protocol(kProtocol);
    server_info_.set_node_id("ND_" + random.next_token(kSidCharacters));
}

Rooms::~Rooms() = default;

// ---- rooms and participants ----

Room* Rooms::find(std::string_view name) {
    const auto found = rooms_.find(name);
    return found == rooms_.end() ? nullptr : found->second.get();
}

Room* Rooms::find_or_make(const std::string& name, const RoomSettings& settings) {
    if (Room* const room = find(name)) {
        return room;
    }
    if (rooms_.size() >= config_.rooms_max) {
        return nullptr;
    }
    auto made = std::make_unique<Room>(
        name, "RM_" + random_->next_token(kSidCharacters), settings, wall_clock_(), agenda_);
    made->set_sif_trailer(random_->next_token(kTrailerCharacters));
    made->set_empty_since(now_);
    tell("room_started", *made);
    return rooms_.emplace(name, std::move(made)).first->second.get();
}

RoomSettings Rooms::settings_of(const access::AccessToken& token) const {
    RoomSettings settings = config_.room;
    const access::RoomGrant& grant = token.room_config;
    settings.empty_timeout_s = grant.empty_timeout_s.value_or(settings.empty_timeout_s);
    settings.departure_timeout_s = grant.departure_timeout_s.value_or(settings.departure_timeout_s);
    settings.participants_max = grant.participants_max.value_or(settings.participants_max);
    if (!grant.metadata.empty()) {
        settings.metadata = grant.metadata;
    }
    return settings;
}

std::optional<http::Response> Rooms::check(const access::AccessToken& token) {
    const auto refuse = [this](unsigned status, std::string sentence) {
        ++counters_.refused;
        return http::Response::text(status, std::move(sentence));
    };
    if (!accepting_) {
        return refuse(503, "this node takes nobody in now, try again or elsewhere");
    }
    if (!switchboard_->admits(token.video.room)) {
        return refuse(503, "this node is in maintenance and begins no conference, go elsewhere");
    }
    Room* const room = find(token.video.room);
    if (room == nullptr && !config_.make_rooms && !token.video.room_create) {
        return refuse(404, "requested room does not exist");
    }
    if (room == nullptr && rooms_.size() >= config_.rooms_max) {
        return refuse(503, "this node has as many rooms as it takes");
    }
    // Whoever has the identity already makes room for the new one.
    if (room != nullptr && room->is_full() && room->find_identity(token.identity) == nullptr) {
        return refuse(503, "the room is full");
    }
    return std::nullopt;
}

Rooms::Place* Rooms::place_of(std::string_view participant_sid) {
    const auto found = places_.find(participant_sid);
    return found == places_.end() ? nullptr : &found->second;
}

Rooms::Place* Rooms::place_of(media::ConnectionId connection) {
    const auto found = connections_.find(connection);
    return found == connections_.end() ? nullptr : place_of(found->second);
}

RoomParticipant& Rooms::add(Room& room, const ParticipantProfile& profile) {
    RoomParticipant& added = room.add(std::make_unique<RoomParticipant>(profile, *random_));
    places_.insert_or_assign(added.sid(), Place{.room = &room, .participant = &added});
    return added;
}

SignalSession* Rooms::find_session(std::string_view participant_sid) {
    Place* const place = place_of(participant_sid);
    return place == nullptr ? nullptr : place->participant->session.get();
}

void Rooms::bind(media::ConnectionId connection, const std::string& participant_sid) {
    Place* const place = place_of(participant_sid);
    if (place != nullptr && connections_.emplace(connection, participant_sid).second) {
        place->participant->connections.push_back(connection);
    }
}

void Rooms::abandon(media::ConnectionId connection) {
    orphans_.insert(connection);
    switchboard_->leave(connection, media::LeaveReason::kClientLeft, [](const Result<void>&) {});
}

void Rooms::remove(const std::string& participant_sid, proto::DisconnectReason reason) {
    const auto found = places_.find(participant_sid);
    if (found == places_.end()) {
        return;
    }
    Room& room = *found->second.room;
    places_.erase(found);
    std::unique_ptr<RoomParticipant> gone = room.remove(participant_sid, reason);
    for (const media::ConnectionId connection : gone->connections) {
        connections_.erase(connection);
        switchboard_->leave(
            connection, media::LeaveReason::kClientLeft, [](const Result<void>&) {});
    }
    for (const PublishedTrack& track : gone->tracks.all()) {
        if (track.live) {
            tell("track_unpublished", room, gone.get(), &track);
        }
    }
    tell(
        gone->was_active ? "participant_left" : "participant_connection_aborted", room, gone.get());
    if (room.participants().empty()) {
        room.set_empty_since(now_);
    }
    log::info("livekit", "{} left {}", gone->identity(), room.name());
    graveyard_.push_back(std::move(gone));
}

void Rooms::expel(RoomParticipant& participant, proto::DisconnectReason reason) {
    if (participant.session) {
        participant.session->leave(reason, proto::LeaveRequest::DISCONNECT);
    }
    remove(std::string(participant.sid()), reason);
}

void Rooms::close_room(const std::string& name, proto::DisconnectReason reason) {
    Room* const room = find(name);
    if (room == nullptr) {
        return;
    }
    while (!room->participants().empty()) {
        expel(*room->participants().begin()->second, reason);
    }
    tell("room_finished", *room);
    agenda_.forget(*room);
    // Sessions that are in a call still know it.
    closed_.push_back(std::move(rooms_.find(name)->second));
    rooms_.erase(name);
}

void Rooms::end_all() {
    while (!rooms_.empty()) {
        close_room(std::string(rooms_.begin()->first), proto::SERVER_SHUTDOWN);
    }
    end_turn();
}

void Rooms::shut_down() {
    accepting_ = false;
    for (const auto& [name, room] : rooms_) {
        for (const auto& [sid, participant] : room->participants()) {
            if (participant->session) {
                participant->session->leave(proto::SERVER_SHUTDOWN,
                                            proto::LeaveRequest::DISCONNECT);
            }
        }
    }
    end_turn();
}

void Rooms::end_turn() {
    for (Room* const room : agenda_.take()) {
        if (room->settle(now_)) {
            agenda_.postpone(*room);
        }
    }
    graveyard_.clear();
    closed_.clear();
}

void Rooms::tell(std::string_view event,
                 const Room& room,
                 const RoomParticipant* participant,
                 const PublishedTrack* track) {
    if (!config_.tell) {
        return;
    }
    proto::WebhookEvent told;
    told.set_event(std::string(event));
    told.set_id("EV_" + random_->next_token(kSidCharacters));
    told.set_created_at(wall_clock_() / 1000);
    *told.mutable_room() = room.info();
    if (participant != nullptr) {
        *told.mutable_participant() = participant->snapshot();
    }
    if (track != nullptr) {
        *told.mutable_track() = track->info;
    }
    config_.tell(told);
}

std::vector<proto::ICEServer> Rooms::ice_servers(const std::string& identity) const {
    return config_.ice_servers ? config_.ice_servers(identity) : std::vector<proto::ICEServer>();
}

std::string Rooms::sign(const access::AccessToken& token) const {
    const auto key = config_.keys.find(token.issuer);
    return key == config_.keys.end() ? std::string() : access::sign_token(token, key->second);
}

RoomsStats Rooms::stats() const {
    RoomsStats stats = counters_;
    stats.rooms = rooms_.size();
    stats.participants = places_.size();
    for (const auto& [sid, place] : places_) {
        stats.sessions += place.participant->session ? 1 : 0;
    }
    return stats;
}

// ---- sockets ----

void Rooms::on_socket_open(SignalSocket& socket) {
    if (socket.admission.join.reconnect()) {
        resume(socket);
    } else {
        enter(socket);
    }
    end_turn();
}

void Rooms::dismiss(SignalSocket& socket,
                    proto::DisconnectReason reason,
                    proto::LeaveRequest::Action action) {
    proto::SignalResponse response;
    response.mutable_leave()->set_reason(reason);
    response.mutable_leave()->set_action(action);
    response.mutable_leave()->set_can_reconnect(action != proto::LeaveRequest::DISCONNECT);
    socket.send(response);
    socket.close();
}

void Rooms::enter(SignalSocket& socket) {
    const access::AccessToken& token = socket.admission.token;
    // It was checked before the upgrade; much may happen meanwhile.
    Room* const room = accepting_ && switchboard_->admits(token.video.room)
                           ? find_or_make(token.video.room, settings_of(token))
                           : nullptr;
    if (room == nullptr) {
        dismiss(socket, proto::JOIN_FAILURE, proto::LeaveRequest::DISCONNECT);
        return;
    }
    if (RoomParticipant* const before = room->find_identity(token.identity)) {
        expel(*before, proto::DUPLICATE_IDENTITY);
    }
    if (room->is_full()) {
        dismiss(socket, proto::JOIN_FAILURE, proto::LeaveRequest::DISCONNECT);
        return;
    }
    RoomParticipant& participant = add(*room,
                                       {.sid = "PA_" + random_->next_token(kSidCharacters),
                                        .identity = token.identity,
                                        .name = token.name,
                                        .metadata = token.metadata,
                                        .permission = permission_of(token.video),
                                        .kind = kind_of(token),
                                        .joined_unix_ms = wall_clock_()});
    for (const auto& [name, value] : token.attributes) {
        (*participant.info.mutable_attributes())[name] = value;
    }
    const proto::ClientInfo& client = socket.admission.join.client_info();
    participant.info.set_client_protocol(client.client_protocol());
    *participant.info.mutable_capabilities() = client.capabilities();
    ++counters_.joins;
    log::info("livekit", "{} joins {} as {}", token.identity, room->name(), participant.sid());
    socket.participant_sid = participant.sid();
    participant.session =
        std::make_unique<SignalSession>(*this, *room, participant, socket.admission);
    participant.session->enter(socket);
}

void Rooms::resume(SignalSocket& socket) {
    const access::AccessToken& token = socket.admission.token;
    const std::string& sid = socket.admission.join.participant_sid();
    Place* const place = place_of(sid);
    if (place == nullptr || !place->participant->session ||
        place->participant->identity() != token.identity ||
        place->room->name() != token.video.room) {
        dismiss(socket, proto::STATE_MISMATCH, proto::LeaveRequest::RECONNECT);
        return;
    }
    ++counters_.resumes;
    socket.participant_sid = sid;
    place->participant->session->resume(socket);
}

void Rooms::on_socket_request(SignalSocket& socket, const proto::SignalRequest& request) {
    if (SignalSession* const session = find_session(socket.participant_sid)) {
        session->on_request(request);
    }
    end_turn();
}

void Rooms::on_socket_garbage(SignalSocket& socket) {
    ++counters_.malformed;
    const std::string sid = socket.participant_sid;
    if (SignalSession* const session = find_session(sid)) {
        session->leave(proto::STATE_MISMATCH, proto::LeaveRequest::DISCONNECT);
        remove(sid, proto::STATE_MISMATCH);
    }
    end_turn();
}

void Rooms::on_socket_closed(SignalSocket& socket) {
    if (SignalSession* const session = find_session(socket.participant_sid)) {
        session->on_socket_closed(socket);
    }
    end_turn();
}

// ---- time ----

void Rooms::on_tick(Instant now) {
    now_ = now;
    agenda_.on_tick();
    if (now_ - checked_ >= kCheckTime) {
        checked_ = now_;
        check_sessions();
        close_empty_rooms();
        tell_qualities();
    }
    end_turn();
}

void Rooms::check_sessions() {
    const bool refresh = now_ - tokens_sent_ >= kTokenTime;
    tokens_sent_ = refresh ? now_ : tokens_sent_;
    std::vector<std::pair<std::string, proto::DisconnectReason>> late;
    for (const auto& [sid, place] : places_) {
        SignalSession* const session = place.participant->session.get();
        if (session == nullptr) {
            continue;
        }
        session->on_tick();
        if (!session->is_connected() && now_ - session->began() >= kJoinTime) {
            late.emplace_back(sid, proto::JOIN_FAILURE);
        } else if (session->socket_lost() != kNever &&
                   now_ - session->socket_lost() >= kResumeTime) {
            late.emplace_back(sid, proto::SIGNAL_CLOSE);
        } else if (refresh) {
            session->send_refreshed_token();
        }
    }
    for (const auto& [sid, reason] : late) {
        expel(*place_of(sid)->participant, reason);
    }
}

void Rooms::close_empty_rooms() {
    std::vector<std::string> over;
    for (const auto& [name, room] : rooms_) {
        const std::uint32_t timeout_s = room->was_used() ? room->settings().departure_timeout_s
                                                         : room->settings().empty_timeout_s;
        if (room->empty_since() != kNever &&
            now_ - room->empty_since() >= std::chrono::seconds(timeout_s)) {
            over.push_back(name);
        }
    }
    for (const std::string& name : over) {
        close_room(name, proto::ROOM_CLOSED);
    }
}

void Rooms::tell_qualities() {
    if (now_ - qualities_told_ < kQualityTime) {
        return;
    }
    qualities_told_ = now_;
    for (const auto& [name, room] : rooms_) {
        room->tell_qualities();
    }
}

}  // namespace isthmus::signaling::livekit
