// RFC 4571 frames: however the stream is cut into reads, the frames are the same.
// Input: one byte of read length, two bytes of frame limit, the stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/transport/stream_framing.h"

namespace isthmus::media::transport {
namespace {

struct Outcome {
    std::vector<std::vector<std::byte>> frames;
    bool failed = false;

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome deframe(std::span<const std::byte> stream, std::size_t read_bytes, std::size_t limit) {
    Outcome outcome;
    StreamDeframer deframer(limit);
    std::vector<std::byte> buffer(kFrameLengthBytes + limit + read_bytes);
    while (!stream.empty()) {
        const std::size_t count = std::min(read_bytes, stream.size());
        const std::span<std::byte> room = deframer.begin(buffer);
        std::ranges::copy(stream.first(count), room.begin());
        stream = stream.subspan(count);
        deframer.received(count);
        while (true) {
            const auto frame = deframer.next();
            if (!frame) {
                outcome.failed = true;
                return outcome;
            }
            if (!*frame) {
                break;
            }
            CHECK(!(*frame)->empty() && (*frame)->size() <= limit);
            outcome.frames.emplace_back((*frame)->begin(), (*frame)->end());
        }
        deframer.end();
        CHECK(deframer.kept_bytes() < kFrameLengthBytes + limit);
    }
    return outcome;
}

}  // namespace
}  // namespace isthmus::media::transport

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using isthmus::media::transport::deframe;
    const auto input = std::as_bytes(std::span(data, size));
    if (input.size() < 3) {
        return 0;
    }
    const std::size_t read_bytes = 1U + isthmus::load_u8(input.data());
    const std::size_t limit = 1U + isthmus::load_be16(input.data() + 1);
    const auto stream = input.subspan(3);
    CHECK(deframe(stream, read_bytes, limit) == deframe(stream, stream.size() + 1, limit));
    return 0;
}
