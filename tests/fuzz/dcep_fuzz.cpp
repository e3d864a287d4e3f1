// The two messages of DCEP. What parses is written and parses to the same again.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "media/data/dcep.h"

namespace isthmus::media::data {
namespace {

void run(std::span<const std::byte> input) {
    const auto message = parse_dcep(input);
    if (!message) {
        return;
    }
    const auto* open = std::get_if<DcepOpen>(&*message);
    if (open == nullptr) {
        return;
    }
    CHECK(open->label.size() + open->protocol.size() < input.size());
    const auto written = write_dcep_open(*open);
    const auto again = parse_dcep(written);
    CHECK(again.has_value());
    const auto& same = std::get<DcepOpen>(*again);
    CHECK(same.ordered == open->ordered && same.priority == open->priority);
    CHECK(same.max_retransmits == open->max_retransmits);
    CHECK(same.lifetime_ms == open->lifetime_ms);
    CHECK(same.label == open->label && same.protocol == open->protocol);
}

}  // namespace
}  // namespace isthmus::media::data

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::data::run(std::as_bytes(std::span(data, size)));
    return 0;
}
