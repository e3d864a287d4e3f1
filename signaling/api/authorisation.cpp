#include "signaling/api/authorisation.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <spdlog/fmt/fmt.h>

namespace isthmus::signaling::api {
namespace {

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

Digest digest_of(std::string_view text) {
    Digest digest{};
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    return digest;
}

// Compares digests, so that neither content nor length shows in the time that it takes.
bool equal_secret(std::string_view a, std::string_view b) {
    const Digest x = digest_of(a);
    const Digest y = digest_of(b);
    return CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

std::optional<std::string> decode_base64(std::string_view text) {
    // What a key and a secret can need; longer is no credential of ours.
    constexpr std::size_t kEncodedMax = 2048;
    if (text.empty() || text.size() > kEncodedMax || text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::string out(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    if (size < 0) {
        return std::nullopt;
    }
    // EVP_DecodeBlock() counts the padding as zero bytes.
    out.resize(static_cast<std::size_t>(size) - (text.ends_with("==")  ? 2
                                                 : text.ends_with('=') ? 1
                                                                       : 0));
    return out;
}

std::string_view basic_credentials(const http::Request& request) {
    static constexpr std::string_view kScheme = "basic ";
    std::string_view value = request.header("Authorization");
    if (value.size() < kScheme.size()) {
        return {};
    }
    for (std::size_t i = 0; i < kScheme.size(); ++i) {
        // ASCII letters differ from their capitals in one bit (RFC 9110 section 11.1: no case).
        if ((value[i] | 0x20) != kScheme[i]) {
            return {};
        }
    }
    value.remove_prefix(kScheme.size());
    return value;
}

bool is_operator(std::string_view encoded, const access::ApiKeys& keys) {
    const auto decoded = decode_base64(encoded);
    if (!decoded) {
        return false;
    }
    const std::size_t colon = decoded->find(':');
    if (colon == std::string::npos) {
        return false;
    }
    const std::string_view user = std::string_view(*decoded).substr(0, colon);
    const std::string_view password = std::string_view(*decoded).substr(colon + 1);
    const auto key = keys.find(user);
    // An unknown key costs the same comparison.
    const bool equal = equal_secret(password, key == keys.end() ? std::string_view() : key->second);
    return key != keys.end() && equal;
}

bool grants(const access::VideoGrant& video, Permission permission, std::string_view conference) {
    const bool administers = video.room_admin && !video.room.empty() && video.room == conference;
    switch (permission) {
        case Permission::kAny:
            return true;
        case Permission::kListConferences:
            return video.room_list;
        case Permission::kReadConference:
            return video.room_list || administers;
        case Permission::kWatch:
            return video.room_list || administers ||
                   (video.room_join && video.can_subscribe && !video.room.empty() &&
                    video.room == conference);
        case Permission::kManageParticipants:
            return administers;
        case Permission::kEndConference:
            return video.room_create;
        case Permission::kOperateNode:
            return video.room_create && video.room_admin && video.room.empty();
    }
    return false;
}

std::string_view needed(Permission permission) {
    switch (permission) {
        case Permission::kListConferences:
            return "roomList";
        case Permission::kReadConference:
            return "roomAdmin for this conference, or roomList";
        case Permission::kWatch:
            return "roomJoin and canSubscribe for this conference";
        case Permission::kManageParticipants:
            return "roomAdmin for this conference";
        case Permission::kEndConference:
            return "roomCreate";
        case Permission::kOperateNode:
            return "roomCreate, and roomAdmin without a room,";
        case Permission::kAny:
            break;
    }
    return "nothing";
}

}  // namespace

Result<void> authorise(const http::Request& request,
                       const access::ApiKeys& keys,
                       std::int64_t now_unix_s,
                       Permission permission,
                       std::string_view conference) {
    if (const auto basic = basic_credentials(request); !basic.empty()) {
        if (is_operator(basic, keys)) {
            return {};
        }
        return make_error(ErrorCode::kUnauthenticated, "The API key or its secret is wrong.");
    }
    const std::string_view jwt = request.bearer_token();
    if (jwt.empty()) {
        return make_error(ErrorCode::kUnauthenticated,
                          "Send a token (Authorization: Bearer ...) or an API key and its secret "
                          "(Authorization: Basic ...).");
    }
    const auto token = access::verify_token(jwt, keys, now_unix_s);
    if (!token) {
        return std::unexpected(token.error());
    }
    if (!grants(token->video, permission, conference)) {
        return make_error(
            ErrorCode::kPermissionDenied,
            fmt::format("The token must grant {} in its video claim.", needed(permission)));
    }
    return {};
}

}  // namespace isthmus::signaling::api
