// Any bytes as a RED payload: blocks stay within it and do not overlap, and what is written again
// from its parts is read as the same.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "media/rtp/red.h"

namespace isthmus::media::rtp {
namespace {

void check(std::span<const std::byte> payload) {
    const auto red = RedPayload::parse(payload);
    if (!red) {
        return;
    }
    std::size_t total = red->header_bytes();
    std::array<EarlierFrame, RedPayload::kEarlierMax> frames;
    bool expressible = true;
    for (std::size_t i = 0; i < red->earlier().size(); ++i) {
        const RedBlock& block = red->earlier()[i];
        CHECK(block.payload.data() == payload.data() + total || block.payload.empty());
        total += block.payload.size();
        frames[i] = {.timestamp_offset = block.timestamp_offset, .payload = block.payload};
        expressible = expressible && !block.payload.empty();
    }
    CHECK(total + red->primary.size() == payload.size());

    std::vector<std::byte> again(payload.begin(), payload.end());
    CHECK(write_red_headers(*red, red->primary_type, again) == red->header_bytes());
    const auto renamed = RedPayload::parse(again);
    CHECK(renamed && renamed->is_uniform() && renamed->primary.size() == red->primary.size());

    const std::size_t size =
        write_red_prefix(red->primary_type, std::span(frames).first(red->block_count), again);
    const auto written = RedPayload::parse(std::span(again).first(size));
    CHECK(written && written->primary.empty());
    CHECK(!expressible || written->block_count == red->block_count);
}

}  // namespace
}  // namespace isthmus::media::rtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::rtp::check(std::as_bytes(std::span(data, size)));
    return 0;
}
