// Takes apart what the request line and the Host header say. No socket here.
//
// Specification: RFC 9112 section 3.2 (origin-form, absolute-form), RFC 3986 sections 2.1 and 3.4.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus::http {

struct RequestTarget {
    std::string path;  // decoded, begins with '/'
    std::map<std::string, std::string, std::less<>> query;
};

// Nothing where the target is neither origin-form nor absolute-form, where an escape is broken, or
// where it decodes to a control character.
[[nodiscard]] std::optional<RequestTarget> parse_target(std::string_view target);

// Nothing but the characters of host and port (RFC 3986 section 3.2.2, without userinfo): what
// passes is safe to repeat in a Location header.
[[nodiscard]] bool valid_authority(std::string_view authority);

}  // namespace isthmus::http
