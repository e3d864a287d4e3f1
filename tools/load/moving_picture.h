// A picture that moves, for encoders to have something to do: a gradient that drifts, a box that
// bounces, noise that is new in every frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace isthmus::load {

// I420, planes without gaps.
struct Picture {
    std::uint32_t width = 0;  // even, as is the height
    std::uint32_t height = 0;
    std::vector<std::uint8_t> y;
    std::vector<std::uint8_t> u;
    std::vector<std::uint8_t> v;
};

// The `index`th picture; the same in every run.
void draw_moving_picture(std::uint32_t index, Picture& picture);

[[nodiscard]] Picture make_picture(std::uint32_t width, std::uint32_t height);

}  // namespace isthmus::load
