// Is text from a client what it must be before it goes into JSON, a log or a name? RFC 3629.
#pragma once

#include <string>
#include <string_view>

namespace isthmus::http {

// No overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

// C0, DEL and, where the text is UTF-8, C1.
[[nodiscard]] bool has_control_characters(std::string_view text);

// The text with U+FFFD in place of each byte that is not part of UTF-8.
[[nodiscard]] std::string repair_utf8(std::string_view text);

}  // namespace isthmus::http
