// Any text as a token, and any text as the claims of a token that is signed well: the fuzzer cannot
// forge a signature, and would never get past it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/http/utf8.h"
#include "signaling/access/token.h"

namespace {

namespace access = isthmus::signaling::access;
namespace http = isthmus::http;

constexpr std::int64_t kNow = 1'750'000'000;
constexpr std::string_view kSecret = "devsecret-change-me-32-characters!";

void verify(std::string_view jwt) {
    const access::ApiKeys keys{{"devkey", std::string(kSecret)}};
    const auto token = access::verify_token(jwt, keys, kNow);
    if (!token) {
        CHECK(token.error().code == isthmus::ErrorCode::kUnauthenticated);
        CHECK(!token.error().message.empty());
        return;
    }
    CHECK(token->issuer == "devkey");
    CHECK(token->expires_unix_s > kNow - 10);
    const auto again = access::verify_token(access::sign_token(*token, kSecret), keys, kNow);
    // What is written anew may be longer than the limit: it escapes more.
    CHECK(!again || again->identity == token->identity);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    verify(text);
    // The same bytes as values of claims.
    access::AccessToken token;
    token.issuer = "devkey";
    token.expires_unix_s = kNow + 60;
    token.identity = text.substr(0, size / 2);
    token.video.room = text.substr(size / 2);
    verify(access::sign_token(token, kSecret));
    CHECK(http::is_utf8(http::repair_utf8(text)));
    return 0;
}
