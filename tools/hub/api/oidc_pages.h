// The few words that a browser shows at the end of a sign-in: there is no other page.
#pragma once

#include <string>
#include <string_view>

#include "base/http/message.h"

namespace isthmus::hub {

// Back to isthmusctl on the same machine, with a code or what went wrong.
[[nodiscard]] http::Response redirect_to(const std::string& url);
// For who carries the code to a terminal elsewhere.
[[nodiscard]] http::Response code_page(std::string_view code);
[[nodiscard]] http::Response refusal_page(unsigned status, std::string_view why);

}  // namespace isthmus::hub
