// The beginning of a payload in one receiver's terms; the rest is shared by all receivers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace isthmus::media::rtp {

// `size` bytes that stand in place of `replaced` bytes of the publisher's. Both 0: nothing changes.
struct PayloadPrefix {
    std::array<std::byte, 8> bytes{};
    std::uint8_t size = 0;
    std::uint8_t replaced = 0;

    [[nodiscard]] bool empty() const { return replaced == 0; }

    [[nodiscard]] std::span<const std::byte> view() const { return std::span(bytes).first(size); }
};

}  // namespace isthmus::media::rtp
