#include "signaling/whip/access.h"

#include <algorithm>
#include <utility>

#include "base/http/utf8.h"

namespace isthmus::signaling::whip {

using access::AccessToken;
using http::Request;

namespace {

constexpr std::ptrdiff_t kNameCharactersMax = 128;

}  // namespace

Result<AccessToken> authorize_join(const Request& request,
                                   std::string_view conference,
                                   sdp::Role role,
                                   const access::ApiKeys& keys,
                                   std::int64_t now_unix_s) {
    Result<AccessToken> token = access::verify_token(request.bearer_token(), keys, now_unix_s);
    if (!token) {
        return token;
    }
    const access::VideoGrant& grant = token->video;
    if (!grant.room_join) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the token does not allow to join a conference (video.roomJoin)");
    }
    if (grant.room != conference) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the token is for another conference (video.room)");
    }
    if (role == sdp::Role::kPublisher && !grant.can_publish) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the token does not allow to publish (video.canPublish)");
    }
    if (role == sdp::Role::kViewer && !grant.can_subscribe) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the token does not allow to watch (video.canSubscribe)");
    }
    return token;
}

Result<void> authorize_change(const Request& request,
                              const SessionOwner& owner,
                              const access::ApiKeys& keys,
                              std::int64_t now_unix_s) {
    Result<AccessToken> token = access::verify_token(request.bearer_token(), keys, now_unix_s);
    if (!token) {
        token = access::verify_token(request.bearer_token(), keys, owner.created_unix_s);
    }
    if (!token) {
        return std::unexpected(std::move(token.error()));
    }
    if (token->issuer != owner.issuer || token->identity != owner.identity) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the session was made with a token of another identity");
    }
    return {};
}

bool is_conference_name(std::string_view name) {
    const auto characters = std::ranges::count_if(
        name, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    return characters >= 1 && characters <= kNameCharactersMax && http::is_utf8(name) &&
           !http::has_control_characters(name);
}

}  // namespace isthmus::signaling::whip
