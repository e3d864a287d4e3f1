// What instances of the hub tell each other over NATS.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tools/hub/instances/hint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using isthmus::hub::HintKind;
    using isthmus::hub::kHintNodesMax;
    using isthmus::hub::parse_hint;
    using isthmus::hub::to_string;
    using isthmus::hub::write_hint;
    const auto hint = parse_hint(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!hint) {
        CHECK(!to_string(hint.error()).empty());
        return 0;
    }
    CHECK(hint->nodes.empty() == (hint->kind == HintKind::kKeys));
    CHECK(hint->nodes.size() <= kHintNodesMax);
    // What was understood is what another instance would have understood.
    CHECK(parse_hint(write_hint(*hint)) == *hint);
    return 0;
}
