// Tokens that requests come with: a session's after a login, or one that was made for a script.
// Only their hashes are kept; they are 190 random bits, so that a plain hash is enough.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

inline constexpr std::int64_t kSessionSeconds = std::int64_t{12} * 3600;
inline constexpr std::int64_t kTokenDaysMax = 3650;

struct NewToken {
    std::string id;
    std::string token;  // shown once
    std::int64_t expires_s = 0;
};

[[nodiscard]] NewToken begin_session(const Context& context,
                                     const std::string& organisation,
                                     const std::string& person);
[[nodiscard]] Result<NewToken> add_token(const Context& context,
                                         const std::string& name,
                                         Role role,
                                         std::int64_t days);
[[nodiscard]] boost::json::value list_tokens(const Context& context);
[[nodiscard]] Result<void> remove_token(const Context& context, const std::string& id);
// The one that the caller came with.
void end_session(const Context& context);
// After a change of password or role, or when a person goes.
void end_sessions_of(const Context& context, const std::string& person);

// Whom a token stands for, or nothing. Notes once a minute that it was used.
[[nodiscard]] std::optional<Caller> find_caller(const Context& context, std::string_view token);

// Sessions that ended.
void forget_expired_tokens(const Context& context);

}  // namespace isthmus::hub
