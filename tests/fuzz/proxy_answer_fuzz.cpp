// What a proxy answers to CONNECT. The first byte says in which pieces it comes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/http/challenge.h"
#include "base/http/proxy_tunnel.h"
#include "base/random.h"

namespace {

namespace http = isthmus::http;
using Next = http::ProxyTunnel::Next;

Next feed(http::ProxyTunnel& tunnel, std::string_view bytes, std::size_t piece) {
    Next next = Next::kReadMore;
    while (next == Next::kReadMore && !bytes.empty()) {
        next = tunnel.handle_bytes(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    return next;
}

// Whatever the proxy says, what goes back to it is one request.
void check_request(std::string_view request) {
    CHECK(request.starts_with("CONNECT hub.example:443 HTTP/1.1\r\nHost: hub.example:443\r\n"));
    CHECK(request.ends_with("\r\n\r\n"));
    CHECK(request.find("\r\n\r\n") == request.size() - 4);
    CHECK(std::ranges::count(request, '\n') <= 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::size_t piece = std::size_t{data[0]} + 1;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    isthmus::SeededRandom random(size);
    http::ProxyTunnel tunnel(
        {.host = "proxy", .credentials = http::Credentials{.user = "node", .password = "pw"}},
        "hub.example:443",
        random);
    int tries = 0;
    Next next = Next::kConnectAgain;
    while (next == Next::kConnectAgain) {
        check_request(tunnel.request());
        next = feed(tunnel, bytes, piece);
        CHECK(++tries <= 3);
    }
    CHECK((next == Next::kRefused) == !tunnel.refusal().empty());
    if (const auto challenges = http::parse_challenges(bytes)) {
        CHECK(challenges->size() <= http::kChallengesMax);
    }
    return 0;
}
