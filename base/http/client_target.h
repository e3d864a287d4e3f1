// What a client's URL says: whom to call, how, and for what. No socket here. RFC 3986.
#pragma once

#include <string>

#include "base/error.h"

namespace isthmus::http {

struct ClientTarget {
    bool secure = false;    // https, wss
    std::string host;       // as DNS and certificates know it; IPv6 without brackets
    std::string authority;  // for the Host header
    std::string port;
    std::string path;  // with query; begins with '/'

    // "host:port", as CONNECT names it (RFC 9110 section 9.3.6); IPv6 in brackets.
    [[nodiscard]] std::string tunnel_name() const;
};

// "http://host[:port]/path" or "https://...".
[[nodiscard]] Result<ClientTarget> parse_http_url(const std::string& url);
// "ws://..." or "wss://...".
[[nodiscard]] Result<ClientTarget> parse_web_socket_url(const std::string& url);

}  // namespace isthmus::http
