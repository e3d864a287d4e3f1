#include "signaling/livekit/client_offer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "signaling/sdp/answer.h"
#include "signaling/sdp/payload_formats.h"
#include "signaling/sdp/text.h"

namespace isthmus::signaling::livekit {
namespace {

using media::rtp::MediaKind;
using media::rtp::PayloadFormat;
using media::sfu::Direction;
using media::sfu::MediaSection;

// 200 participants with audio and video are 400 sections, of 2 KiB each.
constexpr sdp::SdpLimits kSdpLimits{.bytes_max = 2UL * 1024 * 1024, .sections_max = 600};

[[nodiscard]] sdp::NegotiationPolicy policy() {
    return {.role = sdp::Role::kBoth, .sections_max = kSdpLimits.sections_max, .accept_data = true};
}

// "video/VP9" of the announcement.
[[nodiscard]] std::optional<media::rtp::Codec> codec_of(const proto::TrackInfo& track) {
    const std::string_view mime = track.mime_type();
    const std::size_t slash = mime.find('/');
    return slash == std::string_view::npos ? std::nullopt
                                           : media::rtp::codec_from_name(mime.substr(slash + 1));
}

void put_first(media::rtp::Codec codec, std::vector<PayloadFormat>& formats) {
    std::ranges::stable_partition(
        formats, [codec](const PayloadFormat& format) { return format.codec == codec; });
}

[[nodiscard]] bool has_feature(const proto::TrackInfo& track, proto::AudioTrackFeature feature) {
    return std::ranges::find(track.audio_features(), feature) != track.audio_features().end();
}

// The answer's fmtp says how the client is to send (RFC 7587 section 7).
[[nodiscard]] std::string opus_fmtp(const std::string& offered, const proto::TrackInfo& track) {
    std::string fmtp;
    std::string_view rest = offered;
    while (!rest.empty()) {
        std::string_view parameter = sdp::take_until(rest, ';');
        while (parameter.starts_with(' ')) {
            parameter.remove_prefix(1);
        }
        const std::string_view name = parameter.substr(0, parameter.find('='));
        if (!parameter.empty() && name != "stereo" && name != "usedtx" &&
            name != "maxaveragebitrate") {
            fmtp.append(fmtp.empty() ? "" : ";").append(parameter);
        }
    }
    if (!track.disable_dtx() && !has_feature(track, proto::TF_NO_DTX)) {
        fmtp += ";usedtx=1";
    }
    if (track.stereo() || has_feature(track, proto::TF_STEREO)) {
        fmtp += ";stereo=1;maxaveragebitrate=510000";
    }
    return fmtp.starts_with(';') ? fmtp.substr(1) : fmtp;
}

void adapt_audio(const proto::TrackInfo& track, MediaSection& section) {
    const bool red = !track.disable_red() && track.encryption() == proto::Encryption::NONE;
    for (PayloadFormat& format : section.formats) {
        if (format.codec != media::rtp::Codec::kOpus) {
            continue;
        }
        format.fmtp = opus_fmtp(format.fmtp, track);
        format.red_first = red;
        if (!red) {
            format.red_payload_type.reset();
        }
    }
}

[[nodiscard]] std::optional<media::sfu::TrackSource> source_of(proto::TrackSource source) {
    switch (source) {
        case proto::CAMERA:
            return media::sfu::TrackSource::kCamera;
        case proto::MICROPHONE:
            return media::sfu::TrackSource::kMicrophone;
        case proto::SCREEN_SHARE:
            return media::sfu::TrackSource::kScreenShare;
        case proto::SCREEN_SHARE_AUDIO:
            return media::sfu::TrackSource::kScreenShareAudio;
        default:
            return std::nullopt;
    }
}

// Sizes come with the announcement, not with the offer; encrypted video does not show its own.
void add_sizes(const proto::TrackInfo& track, MediaSection& section) {
    constexpr std::array<std::pair<std::string_view, proto::VideoQuality>, 3> kRids = {
        {{"q", proto::LOW}, {"h", proto::MEDIUM}, {"f", proto::HIGH}}};
    for (media::sfu::Encoding& encoding : section.encodings) {
        const auto* const rid =
            std::ranges::find(kRids, encoding.rid, &decltype(kRids)::value_type::first);
        const auto layer = std::ranges::find_if(track.layers(), [&](const auto& candidate) {
            return rid != kRids.end() && candidate.quality() == rid->second;
        });
        if (layer != track.layers().end()) {
            encoding.max_width = layer->width();
            encoding.max_height = layer->height();
        }
    }
}

// What the client sends: the announced track, or nothing.
void plan_publishing(PublishedTracks& published, bool may_publish, MediaSection& section) {
    const auto [track, backup] =
        may_publish ? published.match(section.track_id, section.kind, section.mid) : SectionTrack();
    if (track == nullptr) {
        section.direction = Direction::kInactive;
        return;
    }
    section.direction = Direction::kReceive;
    section.published_id = backup != nullptr ? backup->id : track->info.sid();
    section.source = source_of(track->info.source());
    section.encrypted = track->info.encryption() != proto::Encryption::NONE;
    add_sizes(track->info, section);
    if (section.kind == MediaKind::kAudio) {
        adapt_audio(track->info, section);
    } else if (const auto codec = backup != nullptr ? media::rtp::codec_from_name(backup->codec)
                                                    : codec_of(track->info)) {
        put_first(*codec, section.formats);
    }
}

}  // namespace

std::expected<OfferPlan, std::string> plan_offer(const proto::SessionDescription& offer,
                                                 PublishedTracks& published,
                                                 Subscriptions& subscriptions,
                                                 bool may_publish) {
    if (offer.type() != "offer") {
        return std::unexpected("only offers are taken");
    }
    Result<sdp::SessionDescription> parsed =
        sdp::parse_session_description(offer.sdp(), kSdpLimits);
    if (!parsed) {
        return std::unexpected(std::move(parsed.error().message));
    }
    auto negotiated = sdp::negotiate(*parsed, policy());
    if (!negotiated) {
        return std::unexpected(std::move(negotiated.error().message));
    }
    for (MediaSection& section : negotiated->connection.sections) {
        if (section.direction == Direction::kReceive ||
            section.direction == Direction::kSendReceive) {
            plan_publishing(published, may_publish, section);
        }
    }
    std::vector<std::string> fresh = subscriptions.assign(negotiated->connection.sections);
    return OfferPlan{.id = offer.id(),
                     .offer = std::move(*parsed),
                     .negotiated = std::move(*negotiated),
                     .fresh_mids = std::move(fresh)};
}

proto::SessionDescription make_answer(const OfferPlan& plan,
                                      media::sfu::LocalDescription local,
                                      Subscriptions& subscriptions,
                                      std::uint64_t session_id,
                                      std::uint64_t session_version) {
    proto::SessionDescription answer;
    subscriptions.name_senders(local);
    for (const MediaSection& section : plan.negotiated.connection.sections) {
        if (section.direction != Direction::kSend) {
            continue;
        }
        if (const WantedTrack* const track = subscriptions.find_mid(section.mid)) {
            answer.mutable_mid_to_track_id()->insert({section.mid, track->sid});
        }
    }
    sdp::SessionDescription description =
        sdp::make_answer(plan.offer, plan.negotiated, local, session_id);
    description.session_version = session_version;
    answer.set_type("answer");
    answer.set_sdp(sdp::write_session_description(description));
    answer.set_id(plan.id);
    return answer;
}

}  // namespace isthmus::signaling::livekit
