#include "signaling/livekit/permissions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/http/utf8.h"

namespace isthmus::signaling::livekit {
namespace {

constexpr std::size_t kNameBytesMax = 256;

constexpr std::array<std::pair<std::string_view, proto::TrackSource>, 4> kSources = {
    {{"camera", proto::CAMERA},
     {"microphone", proto::MICROPHONE},
     {"screen_share", proto::SCREEN_SHARE},
     {"screen_share_audio", proto::SCREEN_SHARE_AUDIO}}};

[[nodiscard]] std::unexpected<http::Response> refuse(unsigned status, std::string sentence) {
    return std::unexpected(http::Response::text(status, std::move(sentence)));
}

[[nodiscard]] bool is_name(std::string_view text) {
    return text.size() <= kNameBytesMax && http::is_utf8(text) &&
           !http::has_control_characters(text);
}

}  // namespace

std::expected<access::AccessToken, http::Response> authorize_join(const http::Request& request,
                                                                  const access::ApiKeys& keys,
                                                                  std::int64_t now_unix_s) {
    std::string_view jwt = request.bearer_token();
    const auto query = request.query.find("access_token");
    if (jwt.empty() && query != request.query.end()) {
        jwt = query->second;
    }
    Result<access::AccessToken> token = access::verify_token(jwt, keys, now_unix_s);
    if (!token) {
        return refuse(401, token.error().message);
    }
    if (!token->video.room_join) {
        return refuse(401, "the token does not allow to join a room (video.roomJoin)");
    }
    if (token->identity.empty() || token->video.room.empty()) {
        return refuse(400, "the token names no identity (sub) or no room (video.room)");
    }
    if (!is_name(token->identity) || !is_name(token->video.room) || !is_name(token->name)) {
        return refuse(400, "names have at most 256 bytes of UTF-8, without control characters");
    }
    return std::move(*token);
}

proto::ParticipantPermission permission_of(const access::VideoGrant& grant) {
    proto::ParticipantPermission permission;
    permission.set_can_publish(grant.can_publish);
    permission.set_can_subscribe(grant.can_subscribe);
    permission.set_can_publish_data(grant.can_publish_data.value_or(grant.can_publish));
    permission.set_hidden(grant.hidden);
    permission.set_recorder(grant.recorder);
    permission.set_agent(grant.agent);
    permission.set_can_update_metadata(grant.can_update_own_metadata);
    for (const std::string& name : grant.can_publish_sources) {
        const auto* const known =
            std::ranges::find(kSources, name, &decltype(kSources)::value_type::first);
        // One that is not known allows nothing, but must not become "all".
        permission.add_can_publish_sources(known == kSources.end() ? proto::UNKNOWN
                                                                   : known->second);
    }
    return permission;
}

void apply_permission(const proto::ParticipantPermission& permission, access::VideoGrant& grant) {
    grant.can_publish = permission.can_publish();
    grant.can_subscribe = permission.can_subscribe();
    grant.can_publish_data = permission.can_publish_data();
    grant.hidden = permission.hidden();
    grant.recorder = permission.recorder();
    grant.agent = permission.agent();
    grant.can_update_own_metadata = permission.can_update_metadata();
    grant.can_publish_sources.clear();
    for (const int source : permission.can_publish_sources()) {
        const auto* const known =
            std::ranges::find(kSources, source, &decltype(kSources)::value_type::second);
        grant.can_publish_sources.emplace_back(known == kSources.end() ? "unknown" : known->first);
    }
}

bool may_publish(const proto::ParticipantPermission& permission, proto::TrackSource source) {
    const auto& sources = permission.can_publish_sources();
    return permission.can_publish() &&
           (sources.empty() ||
            (source != proto::UNKNOWN && std::ranges::find(sources, source) != sources.end()));
}

proto::ParticipantInfo::Kind kind_of(const access::AccessToken& token) {
    constexpr std::array<std::pair<std::string_view, proto::ParticipantInfo::Kind>, 6> kKinds = {
        {{"ingress", proto::ParticipantInfo::INGRESS},
         {"egress", proto::ParticipantInfo::EGRESS},
         {"sip", proto::ParticipantInfo::SIP},
         {"agent", proto::ParticipantInfo::AGENT},
         {"connector", proto::ParticipantInfo::CONNECTOR},
         {"bridge", proto::ParticipantInfo::BRIDGE}}};
    for (const auto& [name, kind] : kKinds) {
        if (name == token.kind) {
            return kind;
        }
    }
    return token.video.agent ? proto::ParticipantInfo::AGENT : proto::ParticipantInfo::STANDARD;
}

}  // namespace isthmus::signaling::livekit
