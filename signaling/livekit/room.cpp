#include "signaling/livekit/room.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "signaling/livekit/signal_session.h"

namespace isthmus::signaling::livekit {
namespace {

// Of those who only watch: a thousand joins in a minute are 120 messages to each then, not a
// thousand. In large rooms, where each message goes to many and nobody looks for one name, 40.
constexpr Duration kBatchTime = std::chrono::milliseconds(500);
constexpr Duration kLargeBatchTime = std::chrono::milliseconds(1500);
constexpr std::size_t kLargeRoom = 200;  // participants
constexpr Duration kRoomUpdateTime = std::chrono::seconds(2);
constexpr std::size_t kProtocolsMax = 100;  // people who try things out at a time

}  // namespace

Room::Room(std::string name,
           std::string sid,
           RoomSettings settings,
           std::int64_t created_unix_ms,
           RoomAgenda& agenda)
    : name_(std::move(name)),
      sid_(std::move(sid)),
      settings_(std::move(settings)),
      created_unix_ms_(created_unix_ms),
      agenda_(&agenda) {}

proto::Room Room::info() const {
    proto::Room room;
    room.set_sid(sid_);
    room.set_name(name_);
    room.set_metadata(settings_.metadata);
    room.set_empty_timeout(settings_.empty_timeout_s);
    room.set_departure_timeout(settings_.departure_timeout_s);
    room.set_max_participants(settings_.participants_max);
    room.set_creation_time(created_unix_ms_ / 1000);
    room.set_creation_time_ms(created_unix_ms_);
    std::uint32_t visible = 0;
    std::uint32_t publishers = 0;
    for (const auto& [sid, participant] : participants_) {
        visible += participant->hidden() ? 0 : 1;
        publishers += participant->tracks.count_live() > 0 ? 1 : 0;
        if (participant->info.permission().recorder()) {
            room.set_active_recording(true);
        }
    }
    room.set_num_participants(visible);
    room.set_num_publishers(publishers);
    return room;
}

RoomParticipant* Room::find(std::string_view sid) {
    const auto found = participants_.find(sid);
    return found == participants_.end() ? nullptr : found->second.get();
}

RoomParticipant* Room::find_identity(std::string_view identity) {
    const auto found = by_identity_.find(identity);
    return found == by_identity_.end() ? nullptr : found->second;
}

std::pair<RoomParticipant*, PublishedTrack*> Room::find_track(std::string_view track_sid) {
    const auto owner = by_track_.find(track_sid);
    if (owner == by_track_.end()) {
        return {};
    }
    PublishedTrack* track = owner->second->tracks.find(track_sid);
    if (track == nullptr) {
        track = owner->second->tracks.find_backup(track_sid).track;
    }
    return track == nullptr ? std::pair<RoomParticipant*, PublishedTrack*>()
                            : std::pair(owner->second, track);
}

bool Room::is_full() const {
    return settings_.participants_max != 0 && participants_.size() >= settings_.participants_max;
}

RoomParticipant& Room::add(std::unique_ptr<RoomParticipant> participant) {
    RoomParticipant& added = *participant;
    participants_.insert_or_assign(added.sid(), std::move(participant));
    by_identity_.insert_or_assign(added.identity(), &added);
    empty_since_ = kNever;
    was_used_ = true;
    room_changed();
    changed(added, Urgency::kLater);
    return added;
}

std::unique_ptr<RoomParticipant> Room::remove(std::string_view sid,
                                              proto::DisconnectReason reason) {
    const auto found = participants_.find(sid);
    if (found == participants_.end()) {
        return nullptr;
    }
    std::unique_ptr<RoomParticipant> gone = std::move(found->second);
    participants_.erase(found);
    if (find_identity(gone->identity()) == gone.get()) {
        by_identity_.erase(gone->identity());
    }
    changed_.erase(gone->sid());
    const bool published = gone->tracks.count_live() > 0;
    for (const PublishedTrack& track : gone->tracks.all()) {
        track_ended(*gone, track);
    }
    gone->info.set_state(proto::ParticipantInfo::DISCONNECTED);
    gone->info.set_disconnect_reason(reason);
    gone->next_version();
    if (!gone->hidden()) {
        departed_.push_back(gone->info);
        flush_now_ = flush_now_ || published;
    }
    room_changed();
    return gone;
}

void Room::changed(RoomParticipant& participant, Urgency urgency) {
    changed_.insert(participant.sid());
    flush_now_ = flush_now_ || urgency == Urgency::kNow;
    agenda_->add(*this);
}

void Room::track_published(RoomParticipant& publisher, PublishedTrack& track) {
    changed(publisher, Urgency::kNow);
    room_changed();
    by_track_.insert_or_assign(track.info.sid(), &publisher);
    for (const auto& [sid, participant] : participants_) {
        if (participant->session && participant.get() != &publisher) {
            participant->session->on_track_published(publisher, track);
        }
    }
}

void Room::track_ended(RoomParticipant& publisher, const PublishedTrack& track) {
    by_track_.erase(track.info.sid());
    if (track.backup) {
        by_track_.erase(track.backup->id);
    }
    for (const auto& [sid, participant] : participants_) {
        if (participant->session && participant.get() != &publisher) {
            participant->session->on_track_ended(track.info.sid());
        }
    }
}

void Room::backup_changed(RoomParticipant& publisher,
                          const PublishedTrack& track,
                          const BackupVideo& backup) {
    if (backup.live) {
        by_track_.insert_or_assign(backup.id, &publisher);
    } else {
        by_track_.erase(backup.id);
    }
    for (const auto& [sid, participant] : participants_) {
        if (participant->session && participant.get() != &publisher) {
            participant->session->on_forms_changed(track);
        }
    }
}

void Room::audience_changed(RoomParticipant& publisher) {
    for (const auto& [sid, participant] : participants_) {
        if (participant->session && participant.get() != &publisher) {
            participant->session->on_audience_changed(publisher);
        }
    }
}

void Room::speakers_changed(const std::vector<media::Speaker>& speakers) {
    proto::SignalResponse response;
    for (const media::Speaker& speaker : speakers) {
        const RoomParticipant* const participant = find(speaker.participant_id);
        if (participant == nullptr || participant->hidden()) {
            continue;
        }
        proto::SpeakerInfo& info = *response.mutable_speakers_changed()->add_speakers();
        info.set_sid(speaker.participant_id);
        info.set_level(static_cast<float>(speaker.level));
        info.set_active(speaker.active);
    }
    if (response.has_speakers_changed()) {
        broadcast(response);
    }
}

void Room::tell_qualities() {
    proto::SignalResponse publishers;
    for (const auto& [sid, participant] : participants_) {
        if (std::exchange(participant->quality_told, true)) {
            continue;
        }
        proto::ConnectionQualityInfo info;
        info.set_participant_sid(sid);
        info.set_quality(participant->quality);
        if (participant->session) {
            proto::SignalResponse own;
            *own.mutable_connection_quality()->add_updates() = info;
            participant->session->send(own);
        }
        if (!participant->hidden() && participant->tracks.count_live() > 0) {
            *publishers.mutable_connection_quality()->add_updates() = std::move(info);
        }
    }
    if (publishers.has_connection_quality()) {
        broadcast(publishers);
    }
}

void Room::send_data(Instant now, const std::string& sender_sid, const RoutedData& data) {
    for (const auto& [sid, participant] : participants_) {
        if (sid != sender_sid && participant->session &&
            data.is_for(participant->identity(), sid)) {
            participant->session->send_data(data);
        }
    }
    if (data.reliable) {
        backlog_.add(now, sender_sid, data);
    }
}

void Room::replay_data(Instant now, Instant since, RoomParticipant& receiver) {
    backlog_.replay(now, since, [&](const std::string& sender_sid, const RoutedData& data) {
        if (sender_sid != receiver.sid() && data.is_for(receiver.identity(), receiver.sid())) {
            receiver.session->send_data(data);
        }
    });
}

void Room::keep_protocol(const std::string& identity, proto::CandidateProtocol protocol) {
    if (protocols_.size() < kProtocolsMax) {
        protocols_.insert_or_assign(identity, protocol);
    }
}

proto::CandidateProtocol Room::take_protocol(const std::string& identity) {
    const auto kept = protocols_.extract(identity);
    return kept ? kept.mapped() : proto::UDP;
}

void Room::broadcast(const proto::SignalResponse& response) {
    const OutgoingSignal message(response);
    for (const auto& [sid, participant] : participants_) {
        if (participant->session) {
            participant->session->send(message);
        }
    }
}

bool Room::settle(Instant now) {
    if (!changed_.empty() || !departed_.empty()) {
        changed_since_ = std::min(changed_since_, now);
        const bool large = participants_.size() >= kLargeRoom;
        if (flush_now_ || now - changed_since_ >= (large ? kLargeBatchTime : kBatchTime)) {
            flush_updates();
        }
    }
    for (const std::string& sid : std::exchange(negotiating_, {})) {
        RoomParticipant* const participant = find(sid);
        if (participant != nullptr && participant->session) {
            participant->session->settle();
        }
    }
    if (room_changed_ && (room_told_ == Instant::min() || now - room_told_ >= kRoomUpdateTime)) {
        room_changed_ = false;
        room_told_ = now;
        proto::SignalResponse response;
        *response.mutable_room_update()->mutable_room() = info();
        broadcast(response);
    }
    return room_changed_ || !changed_.empty() || !departed_.empty();
}

void Room::flush_updates() {
    flush_now_ = false;
    changed_since_ = kNever;
    proto::SignalResponse response;
    proto::ParticipantUpdate& update = *response.mutable_update();
    for (proto::ParticipantInfo& info : std::exchange(departed_, {})) {
        *update.add_participants() = std::move(info);
    }
    for (const std::string& sid : std::exchange(changed_, {})) {
        RoomParticipant* const participant = find(sid);
        if (participant == nullptr) {
            continue;
        }
        participant->next_version();
        if (!participant->hidden()) {
            *update.add_participants() = participant->snapshot();
        } else if (participant->session) {
            proto::SignalResponse own;
            *own.mutable_update()->add_participants() = participant->snapshot();
            participant->session->send(own);
        }
    }
    if (update.participants_size() > 0) {
        broadcast(response);
    }
}

}  // namespace isthmus::signaling::livekit
