#include "signaling/whip/ice_servers.h"

#include <algorithm>
#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"
#include "base/http/percent_encoding.h"

namespace isthmus::signaling::whip {
namespace {

constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kSha1Base64Bytes = 28;

[[nodiscard]] bool is_stun(std::string_view url) {
    return url.starts_with("stun:") || url.starts_with("stuns:");
}

[[nodiscard]] bool is_turn(std::string_view url) {
    return url.starts_with("turn:") || url.starts_with("turns:");
}

// base64(HMAC-SHA1(secret, username)), as coturn computes it.
[[nodiscard]] std::string make_password(std::string_view secret, std::string_view username) {
    std::array<unsigned char, kSha1Bytes> mac{};
    unsigned length = 0;
    const unsigned char* const done = HMAC(EVP_sha1(),
                                           secret.data(),
                                           static_cast<int>(secret.size()),
                                           reinterpret_cast<const unsigned char*>(username.data()),
                                           username.size(),
                                           mac.data(),
                                           &length);
    CHECK(done != nullptr && length == mac.size());
    std::array<unsigned char, kSha1Base64Bytes + 1> text{};  // EVP_EncodeBlock ends it with a NUL
    const int written = EVP_EncodeBlock(text.data(), mac.data(), static_cast<int>(mac.size()));
    CHECK(written == static_cast<int>(kSha1Base64Bytes));
    return {text.begin(), text.begin() + kSha1Base64Bytes};
}

// RFC 9110 section 5.6.4.
[[nodiscard]] std::string quoted_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        quoted += c;
    }
    return quoted + "\"";
}

[[nodiscard]] bool is_visible_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

Result<void> check_ice_server(const IceServer& server) {
    const auto refuse = [](std::string sentence) {
        return make_error(ErrorCode::kInvalidArgument, std::move(sentence));
    };
    if (server.urls.empty()) {
        return refuse("an ICE server needs at least one URL");
    }
    const bool fixed = !server.username.empty() && !server.credential.empty();
    for (const std::string& url : server.urls) {
        if (!is_visible_ascii(url) || url.find_first_of("<>\"") != std::string::npos ||
            (!is_stun(url) && !is_turn(url))) {
            return refuse("the ICE server URL \"" + url +
                          "\" must begin with stun:, stuns:, turn: or turns: and have no spaces");
        }
        if (is_turn(url) && !fixed && server.shared_secret.empty()) {
            return refuse("the TURN server \"" + url +
                          "\" needs a shared_secret, or a username and a credential");
        }
    }
    if (!is_visible_ascii(server.username) || !is_visible_ascii(server.credential)) {
        return refuse("username and credential of an ICE server must be ASCII without spaces");
    }
    if (server.ttl <= std::chrono::seconds(0)) {
        return refuse("the ttl of an ICE server's credentials must be above 0");
    }
    return {};
}

std::vector<IceServerAccess> grant_ice_servers(const std::vector<IceServer>& servers,
                                               std::string_view identity,
                                               std::int64_t now_unix_s) {
    std::vector<IceServerAccess> granted;
    for (const IceServer& server : servers) {
        std::string username = server.username;
        std::string credential = server.credential;
        if (!server.shared_secret.empty()) {
            username = std::to_string(now_unix_s + server.ttl.count()) + ":" +
                       http::percent_encode(identity);
            credential = make_password(server.shared_secret, username);
        }
        for (const std::string& url : server.urls) {
            const bool turn = is_turn(url);
            granted.push_back({.url = url,
                               .username = turn ? username : "",
                               .credential = turn ? credential : ""});
        }
    }
    return granted;
}

std::string write_link(const IceServerAccess& access) {
    std::string link = "<" + access.url + ">; rel=\"ice-server\"";
    if (!access.username.empty()) {
        link += "; username=" + quoted_string(access.username) +
                "; credential=" + quoted_string(access.credential) +
                "; credential-type=\"password\"";
    }
    return link;
}

}  // namespace isthmus::signaling::whip
