#include "signaling/api/conference_json.h"

#include <array>
#include <ctime>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

namespace isthmus::signaling::api {
namespace {

namespace json = boost::json;
using namespace media::sfu;  // NOLINT(google-build-using-namespace): this file is about its structs

std::string_view name_of(media::rtp::MediaKind kind) {
    return kind == media::rtp::MediaKind::kAudio ? "audio" : "video";
}

std::string_view name_of(TrackSource source) {
    switch (source) {
        case TrackSource::kCamera:
            return "camera";
        case TrackSource::kMicrophone:
            return "microphone";
        case TrackSource::kScreenShare:
            return "screen_share";
        case TrackSource::kScreenShareAudio:
            return "screen_share_audio";
    }
    return "";
}

json::object summary(const ConferenceInfo& conference) {
    std::size_t tracks = 0;
    for (const ParticipantInfo& participant : conference.participants) {
        tracks += participant.tracks.size();
    }
    return {{"id", conference.id},
            {"name", conference.name},
            {"created_at", timestamp(conference.created_at_unix_ms)},
            {"worker", conference.worker},
            {"participants", conference.participant_count},
            {"dominant_speaker",
             conference.dominant_speaker.empty() ? json::value(nullptr)
                                                 : json::value(conference.dominant_speaker)},
            {"tracks", tracks}};
}

json::object stream(const StreamInfo& info) {
    return {{"ssrc", info.ssrc},
            {"rid", info.rid},
            {"packets", info.packets},
            {"bytes", info.bytes},
            {"packets_lost", info.packets_lost},
            {"packets_repaired", info.packets_repaired},
            {"duplicates", info.duplicates},
            {"jumps", info.jumps},
            {"bad_payloads", info.bad_payloads},
            {"nacks", info.nacks},
            {"key_frame_requests", info.key_frame_requests},
            {"key_frames", info.key_frames},
            {"jitter_seconds", info.jitter_seconds},
            {"bitrate_bps", info.bitrate_bps},
            {"cache_bytes", info.cache_bytes}};
}

json::object layer_name(const LayerName& name) {
    return {{"spatial", name.spatial}, {"temporal", name.temporal}};
}

json::object layer(const LayerInfo& info) {
    return {{"spatial", info.spatial},
            {"temporal", info.temporal},
            {"width", info.width},
            {"height", info.height},
            {"fps", info.fps},
            {"bitrate_bps", info.bitrate_bps},
            {"alive", info.alive}};
}

json::object subscription(const SubscriptionInfo& info) {
    json::object object = {{"track_id", info.track_id},
                           {"ssrc", info.ssrc},
                           {"waiting_for_key_frame", info.waiting_for_key_frame},
                           {"packets", info.packets},
                           {"bytes", info.bytes},
                           {"retransmissions", info.retransmissions},
                           {"red_packets", info.red_packets},
                           {"repair_packets", info.repair_packets},
                           {"nacks", info.nacks},
                           {"nacks_unanswered", info.nacks_unanswered},
                           {"nacks_ignored", info.nacks_ignored},
                           {"key_frame_requests", info.key_frame_requests},
                           {"key_frame_requests_ignored", info.key_frame_requests_ignored},
                           {"no_format", info.no_format},
                           {"loss_ratio", info.loss_ratio},
                           {"jitter_seconds", info.jitter_seconds},
                           {"target", nullptr},
                           {"current", nullptr},
                           {"undecodable", info.undecodable},
                           {"rtt_seconds", nullptr}};
    if (info.target) {
        object["target"] = layer_name(*info.target);
    }
    if (info.current) {
        object["current"] = layer_name(*info.current);
    }
    if (info.rtt_seconds) {
        object["rtt_seconds"] = *info.rtt_seconds;
    }
    return object;
}

json::object track(const TrackInfo& info, bool details) {
    json::object object = {{"id", info.id},
                           {"kind", name_of(info.kind)},
                           {"source", name_of(info.source)},
                           {"codec", info.codec},
                           {"mid", info.mid},
                           {"subscribers", info.subscribers}};
    if (details) {
        json::array streams;
        for (const StreamInfo& s : info.streams) {
            streams.emplace_back(stream(s));
        }
        object["streams"] = std::move(streams);
        json::array layers;
        for (const LayerInfo& l : info.layers) {
            layers.emplace_back(layer(l));
        }
        object["layers"] = std::move(layers);
    }
    return object;
}

json::value or_null(std::optional<double> value) {
    return value ? json::value(*value) : json::value(nullptr);
}

json::object downlink(const DownlinkInfo& info) {
    return {{"measured", info.measured},
            {"target_bps", info.target_bps},
            {"throughput_bps", or_null(info.throughput_bps)},
            {"rtt_seconds", or_null(info.round_trip_seconds)},
            {"loss_ratio", info.loss_ratio},
            {"bytes_in_flight", info.bytes_in_flight},
            {"overuses", info.overuses},
            {"probes", info.probes},
            {"layer_choices", info.layer_choices},
            {"paced", info.paced},
            {"dropped_full", info.dropped_full},
            {"dropped_expired", info.dropped_expired},
            {"padding_packets", info.padding_packets},
            {"feedback_unknown", info.feedback_unknown},
            {"feedback_repeated", info.feedback_repeated},
            {"feedback_refused", info.feedback_refused},
            {"feedback_truncated", info.feedback_truncated}};
}

json::object participant(const ParticipantInfo& info, bool details) {
    json::array tracks;
    for (const TrackInfo& t : info.tracks) {
        tracks.emplace_back(track(t, details));
    }
    json::object object = {{"id", info.id},
                           {"identity", info.identity},
                           {"name", info.name},
                           {"joined_at", timestamp(info.joined_at_unix_ms)},
                           {"connected", info.connected},
                           {"hidden", info.hidden},
                           {"remote_address", info.remote_address},
                           {"protocol", info.protocol},
                           {"srtp_profile", info.srtp_profile},
                           {"speaking", info.speaking},
                           {"audio_level_dbov", nullptr},
                           {"tracks", std::move(tracks)}};
    if (info.audio_level_minus_dbov) {
        object["audio_level_dbov"] = -static_cast<int>(*info.audio_level_minus_dbov);
    }
    if (details) {
        json::array subscriptions;
        for (const SubscriptionInfo& s : info.subscriptions) {
            subscriptions.emplace_back(subscription(s));
        }
        object["subscriptions"] = std::move(subscriptions);
        object["downlink"] = downlink(info.downlink);
    }
    return object;
}

json::array participants(const ConferenceInfo& conference, bool details) {
    json::array array;
    for (const ParticipantInfo& p : conference.participants) {
        array.emplace_back(participant(p, details));
    }
    return array;
}

}  // namespace

std::string timestamp(std::int64_t unix_ms) {
    const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    return fmt::format("{}.{:03}Z", std::string_view(text.data(), size), unix_ms % 1000);
}

std::string conferences_json(const std::vector<ConferenceInfo>& all) {
    json::array array;
    for (const ConferenceInfo& conference : all) {
        array.emplace_back(summary(conference));
    }
    return json::serialize(json::object{{"conferences", std::move(array)}});
}

std::string conference_json(const ConferenceInfo& conference) {
    return json::serialize(summary(conference));
}

std::string participants_json(const ConferenceInfo& conference) {
    return json::serialize(json::object{{"participants", participants(conference, false)}});
}

std::string stats_json(const ConferenceInfo& conference) {
    json::object object = summary(conference);
    object["participants"] = participants(conference, true);
    return json::serialize(object);
}

std::string publishers_json(const ConferenceInfo& conference) {
    json::array array;
    for (const ParticipantInfo& info : conference.participants) {
        if (info.tracks.empty() || info.hidden) {
            continue;
        }
        json::array tracks;
        for (const TrackInfo& t : info.tracks) {
            tracks.emplace_back(json::object{
                {"id", t.id}, {"kind", name_of(t.kind)}, {"source", name_of(t.source)}});
        }
        array.emplace_back(json::object{
            {"identity", info.identity}, {"name", info.name}, {"tracks", std::move(tracks)}});
    }
    return json::serialize(array);
}

}  // namespace isthmus::signaling::api
