#include "tools/load/moving_picture.h"

#include <algorithm>

namespace isthmus::load {

namespace {

// From one edge to the other and back.
[[nodiscard]] std::uint32_t bounce(std::uint32_t at, std::uint32_t length) {
    const std::uint32_t period = 2 * std::max(length, 1U);
    const std::uint32_t phase = at % period;
    return phase < length ? phase : period - phase - 1;
}

void draw_luma(std::uint32_t index, Picture& picture) {
    std::uint32_t noise = index * 2654435761U + 1;
    for (std::uint32_t row = 0; row < picture.height; ++row) {
        std::uint8_t* const line = &picture.y[std::size_t{row} * picture.width];
        for (std::uint32_t column = 0; column < picture.width; ++column) {
            noise = noise * 1664525U + 1013904223U;
            const std::uint32_t wave = (column + row / 2 + index * 3) & 0xffU;
            const std::uint32_t ramp = wave < 128 ? wave : 255 - wave;
            line[column] = static_cast<std::uint8_t>(40 + ramp + (noise >> 30U));
        }
    }
}

void draw_box(std::uint32_t index, Picture& picture) {
    const std::uint32_t side = picture.height / 4;
    const std::uint32_t left = bounce(index * 7, picture.width - side);
    const std::uint32_t top = bounce(index * 5, picture.height - side);
    for (std::uint32_t row = top; row < top + side; ++row) {
        std::fill_n(&picture.y[std::size_t{row} * picture.width + left], side, 220);
    }
    const std::uint32_t half = picture.width / 2;
    for (std::uint32_t row = top / 2; row < (top + side) / 2; ++row) {
        std::fill_n(&picture.u[std::size_t{row} * half + left / 2], side / 2, 90);
        std::fill_n(&picture.v[std::size_t{row} * half + left / 2], side / 2, 200);
    }
}

}  // namespace

Picture make_picture(std::uint32_t width, std::uint32_t height) {
    Picture picture{.width = width, .height = height};
    picture.y.resize(std::size_t{width} * height);
    picture.u.resize(picture.y.size() / 4);
    picture.v.resize(picture.y.size() / 4);
    return picture;
}

void draw_moving_picture(std::uint32_t index, Picture& picture) {
    std::ranges::fill(picture.u, static_cast<std::uint8_t>(110 + bounce(index, 40)));
    std::ranges::fill(picture.v, static_cast<std::uint8_t>(140 - bounce(index, 40)));
    draw_luma(index, picture);
    draw_box(index, picture);
}

}  // namespace isthmus::load
