#include "signaling/livekit/published_tracks.h"

#include <algorithm>
#include <utility>

namespace isthmus::signaling::livekit {
namespace {

using media::rtp::MediaKind;

// Announced and never offered ones count too.
constexpr std::size_t kTracksMax = 64;
constexpr std::size_t kTextBytesMax = 1024;
constexpr int kLayersMax = 8;
constexpr int kCodecsMax = 8;
constexpr std::size_t kSidCharacters = 12;

[[nodiscard]] char letter_of(proto::TrackSource source) {
    switch (source) {
        case proto::CAMERA:
            return 'C';
        case proto::MICROPHONE:
            return 'M';
        case proto::SCREEN_SHARE:
            return 'S';
        case proto::SCREEN_SHARE_AUDIO:
            return 's';
        default:
            return 'U';
    }
}

[[nodiscard]] bool is_sane(const proto::AddTrackRequest& request) {
    return !request.cid().empty() && request.cid().size() <= kTextBytesMax &&
           request.name().size() <= kTextBytesMax && request.stream().size() <= kTextBytesMax &&
           request.stream().find_first_of("| \r\n") == std::string::npos &&
           (request.type() == proto::AUDIO || request.type() == proto::VIDEO) &&
           request.layers_size() <= kLayersMax && request.simulcast_codecs_size() <= kCodecsMax &&
           request.audio_features_size() <= kLayersMax;
}

void fill(const proto::AddTrackRequest& request, proto::TrackInfo& info) {
    info.set_type(request.type());
    info.set_name(request.name());
    info.set_muted(request.muted());
    info.set_width(request.width());
    info.set_height(request.height());
    info.set_simulcast(request.layers_size() > 1);
    info.set_disable_dtx(request.disable_dtx());
    info.set_source(request.source());
    *info.mutable_layers() = request.layers();
    info.set_stereo(request.stereo());
    info.set_disable_red(request.disable_red());
    info.set_encryption(request.encryption());
    info.set_stream(request.stream());
    *info.mutable_audio_features() = request.audio_features();
    info.set_backup_codec_policy(request.backup_codec_policy());
    *info.mutable_packet_trailer_features() = request.packet_trailer_features();
    for (const proto::SimulcastCodec& codec : request.simulcast_codecs()) {
        if (codec.cid() == request.cid()) {
            info.set_mime_type((request.type() == proto::AUDIO ? "audio/" : "video/") +
                               codec.codec());
        }
    }
}

// The codec that the client can send besides: announced without a section.
[[nodiscard]] std::optional<BackupVideo> backup_of(const proto::AddTrackRequest& request,
                                                   const std::string& sid) {
    for (const proto::SimulcastCodec& codec : request.simulcast_codecs()) {
        if (request.type() == proto::VIDEO && codec.cid().empty() &&
            media::rtp::codec_from_name(codec.codec())) {
            BackupVideo backup;
            backup.codec = codec.codec();
            backup.id = sid + "_" + codec.codec();
            return backup;
        }
    }
    return std::nullopt;
}

}  // namespace

std::string stream_of(std::string_view participant_sid, const proto::TrackInfo& track) {
    std::string stream = track.stream();
    if (stream.empty()) {
        const bool screen =
            track.source() == proto::SCREEN_SHARE || track.source() == proto::SCREEN_SHARE_AUDIO;
        stream = screen ? "screen" : "camera";
    }
    return std::string(participant_sid) + "|" + stream;
}

std::vector<TrackForm> forms_of(const PublishedTrack& track) {
    const std::string_view mime = track.info.mime_type();
    std::vector<TrackForm> forms;
    forms.push_back({.id = track.info.sid(),
                     .codec = media::rtp::codec_from_name(mime.substr(mime.find('/') + 1))});
    if (track.backup && track.backup->live) {
        TrackForm backup{.id = track.backup->id,
                         .codec = media::rtp::codec_from_name(track.backup->codec)};
        // All or some: encoding a picture twice costs the publisher, so by default nobody is sent
        // the better codec any more once somebody cannot play it.
        const bool both = track.info.backup_codec_policy() == proto::SIMULCAST;
        forms.insert(both ? forms.end() : forms.begin(), std::move(backup));
    }
    return forms;
}

MediaKind media_kind(const proto::TrackInfo& track) {
    return track.type() == proto::AUDIO ? MediaKind::kAudio : MediaKind::kVideo;
}

PublishedTrack* PublishedTracks::announce(const proto::AddTrackRequest& request) {
    if (!is_sane(request)) {
        return nullptr;
    }
    if (!request.sid().empty()) {
        return announce_backup(request);
    }
    const auto known = std::ranges::find(tracks_, request.cid(), &PublishedTrack::cid);
    if (known != tracks_.end()) {
        return &*known;
    }
    if (tracks_.size() >= kTracksMax) {
        return nullptr;
    }
    PublishedTrack& track = tracks_.emplace_back();
    track.cid = request.cid();
    fill(request, track.info);
    track.info.set_sid(make_sid(request.type(), request.source()));
    track.backup = backup_of(request, track.info.sid());
    return &track;
}

PublishedTrack* PublishedTracks::announce_backup(const proto::AddTrackRequest& request) {
    PublishedTrack* const track = find(request.sid());
    if (track == nullptr || !track->backup || request.cid() == track->cid) {
        return nullptr;
    }
    track->backup->cid = request.cid();
    return track;
}

SectionTrack PublishedTracks::match(std::string_view cid, MediaKind kind, std::string_view mid) {
    const auto find = [&](auto is_own, auto is_backup) -> SectionTrack {
        for (PublishedTrack& track : tracks_) {
            if (media_kind(track.info) != kind) {
                continue;
            }
            if (!track.cid.empty() && is_own(track)) {
                return {.track = &track};
            }
            if (track.backup && !track.backup->cid.empty() && is_backup(*track.backup)) {
                return {.track = &track, .backup = &*track.backup};
            }
        }
        return {};
    };
    SectionTrack found = find([cid](const PublishedTrack& track) { return track.cid == cid; },
                              [cid](const BackupVideo& backup) { return backup.cid == cid; });
    if (found.track == nullptr) {
        found = find([mid](const PublishedTrack& track) { return track.info.mid() == mid; },
                     [mid](const BackupVideo& backup) { return backup.mid == mid; });
    }
    if (found.track == nullptr) {
        found = find([](const PublishedTrack& track) { return track.info.mid().empty(); },
                     [](const BackupVideo& backup) { return backup.mid.empty(); });
    }
    if (found.backup != nullptr) {
        found.backup->mid = std::string(mid);
    } else if (found.track != nullptr) {
        found.track->info.set_mid(std::string(mid));
    }
    return found;
}

PublishedTrack& PublishedTracks::publish(const media::TrackPublished& event) {
    PublishedTrack* track = find(event.track_id);
    const bool audio = event.kind == MediaKind::kAudio;
    if (track == nullptr) {
        track = &tracks_.emplace_back();
        track->info.set_sid(event.track_id);
        track->info.set_type(audio ? proto::AUDIO : proto::VIDEO);
        track->info.set_source(audio ? proto::MICROPHONE : proto::CAMERA);
        track->info.set_name(audio ? "audio" : "video");
        track->info.set_simulcast(event.simulcast);
    }
    track->info.set_mid(event.mid);
    if (!event.codec.empty()) {
        track->info.set_mime_type((audio ? "audio/" : "video/") + event.codec);
    }
    track->live = true;
    return *track;
}

bool PublishedTracks::remove(std::string_view sid) {
    return std::erase_if(
               tracks_, [sid](const PublishedTrack& track) { return track.info.sid() == sid; }) > 0;
}

PublishedTrack* PublishedTracks::find(std::string_view sid) {
    const auto found = std::ranges::find_if(
        tracks_, [sid](const PublishedTrack& track) { return track.info.sid() == sid; });
    return found == tracks_.end() ? nullptr : &*found;
}

SectionTrack PublishedTracks::find_backup(std::string_view id) {
    for (PublishedTrack& track : tracks_) {
        if (track.backup && track.backup->id == id) {
            return {.track = &track, .backup = &*track.backup};
        }
    }
    return {};
}

std::size_t PublishedTracks::count_live() const {
    return static_cast<std::size_t>(std::ranges::count(tracks_, true, &PublishedTrack::live));
}

std::string PublishedTracks::make_sid(proto::TrackType type, proto::TrackSource source) {
    std::string sid = type == proto::AUDIO ? "TR_A" : "TR_V";
    sid += letter_of(source);
    return sid + random_->next_token(kSidCharacters);
}

}  // namespace isthmus::signaling::livekit
