// Which tracks a client is sent, and what others are told of that.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signaling/livekit/room.h"
#include "signaling/livekit/signal_session.h"
#include "signaling/livekit/video_quality.h"

namespace isthmus::signaling::livekit {

using media::ConnectionId;
using media::rtp::MediaKind;

bool SignalSession::may_have(const RoomParticipant& publisher, const std::string& track_sid) const {
    return participant_->info.permission().can_subscribe() &&
           publisher.lets_have(*participant_, track_sid);
}

void SignalSession::want_all() {
    for (const auto& [sid, publisher] : room_->participants()) {
        if (publisher.get() == participant_) {
            continue;
        }
        for (const PublishedTrack& track : publisher->tracks.all()) {
            if (track.live && may_have(*publisher, track.info.sid())) {
                want(*publisher, track);
            }
        }
    }
}

void SignalSession::want(const RoomParticipant& publisher, const PublishedTrack& track) {
    proto::UpdateTrackSettings settings;
    settings.set_quality(adaptive_ ? proto::LOW : proto::HIGH);
    subscriptions_.want({.sid = track.info.sid(),
                         .forms = forms_of(track),
                         .stream = stream_of(publisher.sid(), track.info),
                         .kind = media_kind(track.info),
                         .wish = wish_of(settings, track.info),
                         .disabled = false,
                         .mid = {}});
    room_->negotiate_later(participant_sid());
}

void SignalSession::drop(const std::string& track_sid) {
    if (subscriptions_.drop(track_sid)) {
        refresh();
        room_->negotiate_later(participant_sid());
    }
}

void SignalSession::on_track_published(RoomParticipant& publisher, const PublishedTrack& track) {
    if (auto_subscribe_ && may_have(publisher, track.info.sid())) {
        want(publisher, track);
    }
}

void SignalSession::on_track_ended(const std::string& track_sid) {
    drop(track_sid);
}

void SignalSession::on_audience_changed(const RoomParticipant& publisher) {
    for (const PublishedTrack& track : publisher.tracks.all()) {
        if (!track.live) {
            continue;
        }
        const bool had = subscriptions_.find(track.info.sid()) != nullptr;
        const bool may = may_have(publisher, track.info.sid());
        if (had == may || (may && !auto_subscribe_)) {
            continue;
        }
        proto::SignalResponse response;
        proto::SubscriptionPermissionUpdate& update =
            *response.mutable_subscription_permission_update();
        update.set_participant_sid(publisher.sid());
        update.set_track_sid(track.info.sid());
        update.set_allowed(may);
        send(response);
        if (may) {
            want(publisher, track);
        } else {
            drop(track.info.sid());
        }
    }
}

void SignalSession::on_forms_changed(const PublishedTrack& track) {
    if (WantedTrack* const wanted = subscriptions_.find(track.info.sid())) {
        wanted->forms = forms_of(track);
        refresh();
        apply_wish(*wanted);
    }
}

void SignalSession::ask_for_backup(PublishedTrack& track) {
    if (track.backup && !std::exchange(track.backup->asked_for, true)) {
        tell_qualities(track);
    }
}

void SignalSession::on_permission_changed() {
    std::vector<std::string> forbidden;
    for (const PublishedTrack& track : participant_->tracks.all()) {
        if (!may_publish_source(track.info.source())) {
            forbidden.push_back(track.info.sid());
            if (track.backup) {
                forbidden.push_back(track.backup->id);
            }
            proto::SignalResponse response;
            response.mutable_track_unpublished()->set_track_sid(track.info.sid());
            send(response);
        }
    }
    client_.stop_receiving(forbidden);
    if (!participant_->info.permission().can_subscribe()) {
        const std::vector<WantedTrack> wanted = subscriptions_.all();
        for (const WantedTrack& track : wanted) {
            drop(track.sid);
        }
    } else if (auto_subscribe_) {
        want_all();
    }
    send_refreshed_token();
}

void SignalSession::update_subscription(const proto::UpdateSubscription& update) {
    std::vector<std::string> sids(update.track_sids().begin(), update.track_sids().end());
    for (const proto::ParticipantTracks& tracks : update.participant_tracks()) {
        sids.insert(sids.end(), tracks.track_sids().begin(), tracks.track_sids().end());
    }
    for (const std::string& sid : sids) {
        if (!update.subscribe()) {
            drop(sid);
            continue;
        }
        const auto [publisher, track] = room_->find_track(sid);
        if (track != nullptr && track->live && publisher != participant_ &&
            may_have(*publisher, sid)) {
            want(*publisher, *track);
            continue;
        }
        proto::SignalResponse response;
        response.mutable_subscription_response()->set_track_sid(sid);
        response.mutable_subscription_response()->set_err(proto::SE_TRACK_NOTFOUND);
        send(response);
    }
}

void SignalSession::apply_wish(const WantedTrack& track) {
    const std::optional<ConnectionId>& connection = sending();
    if (track.kind == MediaKind::kVideo && !track.mid.empty() && connection) {
        host_->switchboard().set_layer_wish(
            *connection, track.mid, track.wish, [](const Result<void>&) {});
    }
}

void SignalSession::tell_publisher(const WantedTrack& track) {
    const auto [publisher, published] = room_->find_track(track.sid);
    if (published != nullptr && publisher->session && !std::exchange(published->subscribed, true)) {
        proto::SignalResponse response;
        response.mutable_track_subscribed()->set_track_sid(track.sid);
        publisher->session->send(response);
    }
}

// The publisher may have a codec that everybody plays; else the client is told.
void SignalSession::tell_unplayable(const WantedTrack& track) {
    if (track.playable) {
        return;
    }
    const auto [publisher, published] = room_->find_track(track.sid);
    if (published != nullptr && published->backup && publisher->session) {
        publisher->session->ask_for_backup(*published);
        return;
    }
    proto::SignalResponse response;
    response.mutable_subscription_response()->set_track_sid(track.sid);
    response.mutable_subscription_response()->set_err(proto::SE_CODEC_UNSUPPORTED);
    send(response);
}

}  // namespace isthmus::signaling::livekit
