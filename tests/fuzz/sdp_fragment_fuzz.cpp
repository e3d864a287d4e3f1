// Any text as a trickle fragment: what parses can be written and parsed again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "signaling/sdp/trickle_fragment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace sdp = isthmus::signaling::sdp;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto fragment = sdp::parse_trickle_fragment(text);
    if (!fragment) {
        CHECK(!fragment.error().message.empty());
        return 0;
    }
    const std::string written = sdp::write_trickle_fragment(*fragment);
    if (written.size() <= sdp::kTrickleFragmentBytesMax) {
        const auto again = sdp::parse_trickle_fragment(written);
        CHECK(again.has_value() && *again == *fragment);
    }
    return 0;
}
