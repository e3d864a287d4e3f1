// The payload of one RTP packet as a packetiser describes it: a few bytes of its own, a piece of
// the frame, perhaps a stamp. Put together when the packet is written, so that a recording that
// many clients publish is there once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/client/payload_stamp.h"

namespace isthmus::media::client {

struct PayloadPart {
    std::array<std::byte, 8> prefix{};
    std::uint8_t prefix_bytes = 0;
    bool marker = false;
    bool stamped = false;
    bool trailed = false;  // kStampTrailer behind the stamp
    std::span<const std::byte> body;

    void push(std::uint8_t byte) { prefix[prefix_bytes++] = std::byte{byte}; }

    [[nodiscard]] std::size_t bytes() const {
        return prefix_bytes + body.size() + (stamped ? kStampBytes : 0) + (trailed ? 1U : 0U);
    }

    // `out` has bytes() bytes.
    void write(Instant sent_at, std::byte* out) const {
        out = std::ranges::copy_n(prefix.begin(), prefix_bytes, out).out;
        out = std::ranges::copy(body, out).out;
        if (stamped) {
            write_stamp(sent_at, out);
        }
        if (trailed) {
            out[kStampBytes] = kStampTrailer;
        }
    }
};

// Pieces of a frame of `bytes` bytes, none longer than `piece_max`, that differ by a byte at most:
// how libwebrtc splits frames, and what lets a node send them as one run.
template <typename Visit>
void for_each_piece(std::size_t bytes, std::size_t piece_max, Visit&& visit) {
    const std::size_t pieces = (bytes + piece_max - 1) / piece_max;
    std::size_t at = 0;
    for (std::size_t i = 0; i < pieces; ++i) {
        const std::size_t size = (bytes - at) / (pieces - i);
        visit(at, size);
        at += size;
    }
}

}  // namespace isthmus::media::client
