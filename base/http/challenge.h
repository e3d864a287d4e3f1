// What a server or proxy that refuses says it would accept: the challenges of WWW-Authenticate and
// Proxy-Authenticate. Bytes from the network; bounded. RFC 9110 section 11.6.1.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/message.h"

namespace isthmus::http {

struct Challenge {
    std::string scheme;   // as it was written: compare without case
    std::string token68;  // what some schemes have in place of parameters
    std::map<std::string, std::string, HeaderLess> parameters;

    [[nodiscard]] bool is(std::string_view name) const;
    [[nodiscard]] std::string_view parameter(std::string_view name) const;  // empty where absent
};

inline constexpr std::size_t kChallengesMax = 16;
inline constexpr std::size_t kChallengeParametersMax = 32;

// One field value with all its challenges. Nothing where it breaks the grammar or a limit.
[[nodiscard]] std::optional<std::vector<Challenge>> parse_challenges(std::string_view field);

}  // namespace isthmus::http
