// What a client asks for on its socket.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/log.h"
#include "signaling/livekit/permissions.h"
#include "signaling/livekit/room.h"
#include "signaling/livekit/signal_session.h"
#include "signaling/livekit/video_quality.h"

namespace isthmus::signaling::livekit {
namespace {

using Request = proto::SignalRequest;

// As the reference server has them.
constexpr std::size_t kMetadataBytesMax = 512UL * 1024;
constexpr std::size_t kAttributesBytesMax = 64UL * 1024;
constexpr std::size_t kNameBytesMax = 256;
// Beyond what a person does; the rest waits for others, and is one message then.
constexpr int kChangesPerSecond = 10;

constexpr std::int32_t kSimulatedSpeechSecondsMax = 60;

template <typename Map>
[[nodiscard]] std::size_t bytes_of(const Map& attributes) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : attributes) {
        bytes += name.size() + value.size();
    }
    return bytes;
}

}  // namespace

void SignalSession::on_request(const Request& request) {
    switch (request.message_case()) {
        case Request::kOffer:
            client_.on_offer(request.offer());
            break;
        case Request::kAnswer:
            if (node_) {
                node_->on_answer(request.answer());
            }
            break;
        case Request::kAddTrack:
            handle_add_track(request.add_track());
            break;
        case Request::kMute:
            handle_mute(request.mute());
            break;
        case Request::kSubscription:
            update_subscription(request.subscription());
            break;
        case Request::kTrackSetting:
            handle_track_setting(request.track_setting());
            break;
        case Request::kLeave:
            std::exchange(socket_, nullptr)->close();
            host_->remove(participant_sid(), proto::CLIENT_INITIATED);
            break;
        case Request::kSubscriptionPermission:
            handle_audience(request.subscription_permission());
            break;
        case Request::kSyncState:
            handle_sync(request.sync_state());
            break;
        case Request::kSimulate:
            handle_simulate(request.simulate());
            break;
        case Request::kPing:
            handle_ping();
            break;
        case Request::kPingReq:
            handle_ping(request.ping_req());
            break;
        case Request::kUpdateMetadata:
            handle_metadata(request.update_metadata());
            break;
        case Request::kUpdateAudioTrack:
            handle_audio_track(request.update_audio_track());
            break;
        case Request::kUpdateVideoTrack:
            handle_video_track(request.update_video_track());
            break;
        case Request::kPublishDataTrackRequest:
        case Request::kUnpublishDataTrackRequest:
            refuse_data_track(request);
            break;
        // Candidates: the node is ICE-lite and learns addresses from checks. The others are of
        // newer clients, or of no use to us.
        default:
            break;
    }
}

void SignalSession::refuse_data_track(const Request& request) {
    proto::RequestResponse response;
    auto reason = proto::RequestResponse::UNSUPPORTED_TYPE;
    if (request.has_publish_data_track_request()) {
        *response.mutable_publish_data_track() = request.publish_data_track_request();
    } else {
        *response.mutable_unpublish_data_track() = request.unpublish_data_track_request();
        reason = proto::RequestResponse::INVALID_HANDLE;
    }
    refuse(std::move(response), reason, "this server has no data tracks");
}

void SignalSession::refuse(proto::RequestResponse response,
                           proto::RequestResponse::Reason reason,
                           std::string sentence) {
    response.set_reason(reason);
    response.set_message(std::move(sentence));
    proto::SignalResponse envelope;
    *envelope.mutable_request_response() = std::move(response);
    send(envelope);
}

void SignalSession::handle_add_track(const proto::AddTrackRequest& request) {
    proto::RequestResponse refusal;
    *refusal.mutable_add_track() = request;
    if (!may_publish_source(request.source())) {
        refuse(std::move(refusal),
               proto::RequestResponse::NOT_ALLOWED,
               "the token does not allow to publish this");
        return;
    }
    const PublishedTrack* const track = participant_->tracks.announce(request);
    if (track == nullptr) {
        refuse(std::move(refusal),
               proto::RequestResponse::LIMIT_EXCEEDED,
               "there are too many tracks, or this one is not described as it must be");
        return;
    }
    proto::SignalResponse response;
    response.mutable_track_published()->set_cid(request.cid());
    *response.mutable_track_published()->mutable_track() = track->info;
    send(response);
}

Urgency SignalSession::urgency() {
    if (host_->now() - changes_since_ >= std::chrono::seconds(1)) {
        changes_since_ = host_->now();
        changes_ = 0;
    }
    return ++changes_ <= kChangesPerSecond ? Urgency::kNow : Urgency::kLater;
}

bool SignalSession::may_publish_source(proto::TrackSource source) const {
    return livekit::may_publish(participant_->info.permission(), source);
}

void SignalSession::handle_mute(const proto::MuteTrackRequest& request) {
    PublishedTrack* const track = participant_->tracks.find(request.sid());
    if (track != nullptr && track->info.muted() != request.muted()) {
        track->info.set_muted(request.muted());
        room_->changed(*participant_, urgency());
    }
}

void SignalSession::handle_track_setting(const proto::UpdateTrackSettings& settings) {
    bool disabled_changed = false;
    for (const std::string& sid : settings.track_sids()) {
        WantedTrack* const track = subscriptions_.find(sid);
        const PublishedTrack* const published = room_->find_track(sid).second;
        if (track == nullptr || published == nullptr) {
            continue;
        }
        if (track->kind == media::rtp::MediaKind::kVideo) {
            track->wish = wish_of(settings, published->info);
            apply_wish(*track);
        } else if (track->disabled != settings.disabled()) {
            track->disabled = settings.disabled();
            disabled_changed = true;
        }
    }
    if (disabled_changed) {
        refresh();
    }
}

void SignalSession::handle_metadata(const proto::UpdateParticipantMetadata& update) {
    proto::RequestResponse response;
    response.set_request_id(update.request_id());
    *response.mutable_update_metadata() = update;
    proto::ParticipantInfo& info = participant_->info;
    if (!info.permission().can_update_metadata()) {
        refuse(std::move(response),
               proto::RequestResponse::NOT_ALLOWED,
               "the token does not allow to change one's own metadata (canUpdateOwnMetadata)");
        return;
    }
    auto attributes = info.attributes();
    for (const auto& [name, value] : update.attributes()) {
        if (value.empty()) {
            attributes.erase(name);
        } else {
            attributes[name] = value;
        }
    }
    if (update.metadata().size() > kMetadataBytesMax || update.name().size() > kNameBytesMax ||
        bytes_of(attributes) > kAttributesBytesMax) {
        response.clear_update_metadata();
        refuse(std::move(response),
               proto::RequestResponse::LIMIT_EXCEEDED,
               "the name, the metadata or the attributes are too long");
        return;
    }
    *info.mutable_attributes() = std::move(attributes);
    if (!update.name().empty()) {
        info.set_name(update.name());
    }
    if (!update.metadata().empty()) {
        info.set_metadata(update.metadata());
    }
    refuse(std::move(response), proto::RequestResponse::OK, "");
    room_->changed(*participant_, urgency());
}

void SignalSession::handle_audience(const proto::SubscriptionPermission& permission) {
    // Every client says so when it has connected; a look at everybody would be for nothing then.
    const bool same = participant_->audience.all_participants() && permission.all_participants();
    participant_->audience = permission;
    if (!same) {
        room_->audience_changed(*participant_);
    }
}

void SignalSession::handle_sync(const proto::SyncState& state) {
    for (const proto::TrackPublishedResponse& published : state.publish_tracks()) {
        if (participant_->tracks.find(published.track().sid()) == nullptr) {
            leave(proto::STATE_MISMATCH, proto::LeaveRequest::RECONNECT);
            host_->remove(participant_sid(), proto::STATE_MISMATCH);
            return;
        }
    }
    if (state.has_subscription()) {
        update_subscription(state.subscription());
    }
    // What was switched off while there was no socket to say it on. What was switched on the client
    // says again.
    if (state.track_sids_disabled_size() > 0) {
        proto::UpdateTrackSettings disabled;
        *disabled.mutable_track_sids() = state.track_sids_disabled();
        disabled.set_disabled(true);
        handle_track_setting(disabled);
    }
}

void SignalSession::handle_simulate(const proto::SimulateScenario& scenario) {
    switch (scenario.scenario_case()) {
        case proto::SimulateScenario::kSpeakerUpdate:
            tell_speaking(true);
            speaks_until_ =
                host_->now() + std::chrono::seconds(std::clamp(
                                   scenario.speaker_update(), 0, kSimulatedSpeechSecondsMax));
            break;
        case proto::SimulateScenario::kServerLeave:
            leave(proto::SERVER_SHUTDOWN, proto::LeaveRequest::DISCONNECT);
            host_->remove(participant_sid(), proto::SERVER_SHUTDOWN);
            break;
        case proto::SimulateScenario::kSwitchCandidateProtocol:
            room_->keep_protocol(participant_->identity(), scenario.switch_candidate_protocol());
            [[fallthrough]];
        case proto::SimulateScenario::kLeaveRequestFullReconnect:
        case proto::SimulateScenario::kMigration:
            leave(proto::UNKNOWN_REASON, proto::LeaveRequest::RECONNECT);
            host_->remove(participant_sid(), proto::UNKNOWN_REASON);
            break;
        case proto::SimulateScenario::kNodeFailure:
            // Without a word, and nothing is known of it afterwards.
            std::exchange(socket_, nullptr)->close();
            host_->remove(participant_sid(), proto::UNKNOWN_REASON);
            break;
        case proto::SimulateScenario::kDisconnectSignalOnResume:
        case proto::SimulateScenario::kDisconnectSignalOnResumeNoMessages:
            close_on_resume_ = true;
            break;
        default:
            // The node measures bandwidth, and is not told of another.
            refuse(
                {}, proto::RequestResponse::UNSUPPORTED_TYPE, "this server does not simulate that");
            break;
    }
}

// Only the client itself is told: it asked for it.
void SignalSession::tell_speaking(bool active) {
    proto::SignalResponse response;
    proto::SpeakerInfo& speaker = *response.mutable_speakers_changed()->add_speakers();
    speaker.set_sid(participant_sid());
    speaker.set_active(active);
    speaker.set_level(active ? 1.0F : 0.0F);
    send(response);
}

void SignalSession::on_tick() {
    if (speaks_until_ != kNever && host_->now() >= speaks_until_) {
        speaks_until_ = kNever;
        tell_speaking(false);
    }
}

void SignalSession::handle_audio_track(const proto::UpdateLocalAudioTrack& update) {
    PublishedTrack* const track = participant_->tracks.find(update.track_sid());
    if (track != nullptr && update.features_size() <= proto::AudioTrackFeature_ARRAYSIZE) {
        *track->info.mutable_audio_features() = update.features();
        room_->changed(*participant_, urgency());
    }
}

void SignalSession::handle_video_track(const proto::UpdateLocalVideoTrack& update) {
    PublishedTrack* const track = participant_->tracks.find(update.track_sid());
    if (track != nullptr) {
        track->info.set_width(update.width());
        track->info.set_height(update.height());
        room_->changed(*participant_, urgency());
    }
}

void SignalSession::handle_ping() {
    proto::SignalResponse response;
    response.set_pong(host_->unix_ms());
    send(response);
}

void SignalSession::handle_ping(const proto::Ping& ping) {
    proto::SignalResponse response;
    response.mutable_pong_resp()->set_last_ping_timestamp(ping.timestamp());
    response.mutable_pong_resp()->set_timestamp(host_->unix_ms());
    send(response);
}

}  // namespace isthmus::signaling::livekit
