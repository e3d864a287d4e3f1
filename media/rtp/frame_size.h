// The size of a picture in pixels.
#pragma once

#include <cstdint>

namespace isthmus::media::rtp {

struct FrameSize {
    std::uint16_t width = 0;
    std::uint16_t height = 0;

    [[nodiscard]] std::uint32_t pixels() const { return std::uint32_t{width} * height; }

    friend bool operator==(const FrameSize&, const FrameSize&) = default;
};

}  // namespace isthmus::media::rtp
