// Reading fields of JSON that came from elsewhere: a wrong type is no value, never an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "control-agent/channel/crypto.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/signing_key.h"

namespace isthmus::channel {

// Nothing where the text is longer, deeper or not JSON.
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text,
                                                           std::size_t bytes_max,
                                                           std::size_t depth_max = 32);

// Null where `value` is no object or has no such member.
[[nodiscard]] const boost::json::value* find_field(const boost::json::value& value,
                                                   std::string_view name);
[[nodiscard]] const boost::json::object* object_field(const boost::json::value& value,
                                                      std::string_view name);

[[nodiscard]] std::optional<std::string> text_field(const boost::json::value& value,
                                                    std::string_view name);
[[nodiscard]] std::optional<std::int64_t> integer_field(const boost::json::value& value,
                                                        std::string_view name);
[[nodiscard]] std::optional<bool> bool_field(const boost::json::value& value,
                                             std::string_view name);
// base64url; `length` 0: any.
[[nodiscard]] std::optional<Bytes> bytes_field(const boost::json::value& value,
                                               std::string_view name,
                                               std::size_t length = 0);
[[nodiscard]] std::optional<PublicKey> key_field(const boost::json::value& value,
                                                 std::string_view name);
[[nodiscard]] std::optional<ExchangePublicKey> exchange_key_field(const boost::json::value& value,
                                                                  std::string_view name);

}  // namespace isthmus::channel
