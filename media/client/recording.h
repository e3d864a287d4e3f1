// Encoded frames in memory that any number of clients publish, over and over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "media/rtp/payload_format.h"

namespace isthmus::media::client {

struct RecordedFrame {
    bool key = false;
    // H.264: a NAL unit each, or a finished STAP-A of parameter sets. AV1: an OBU each, without
    // temporal delimiters. VP8: one, the frame.
    std::vector<std::vector<std::byte>> units;
};

struct Recording {
    rtp::Codec codec = rtp::Codec::kVp8;
    std::uint16_t width = 0;
    std::uint16_t height = 0;
    // Nothing decodes it: it has the sizes of a stream and the marks that a node looks at.
    bool filler = false;
    std::vector<RecordedFrame> frames;  // the first one is a key frame

    [[nodiscard]] std::size_t bytes() const {
        std::size_t sum = 0;
        for (const RecordedFrame& frame : frames) {
            for (const auto& unit : frame.units) {
                sum += unit.size();
            }
        }
        return sum;
    }
};

// A frame of an Annex B stream (H.264) as its NAL units, parameter sets put into one STAP-A (RFC
// 6184 section 5.7.1).
[[nodiscard]] std::vector<std::vector<std::byte>> units_of_annex_b(
    std::span<const std::byte> frame);

// A temporal unit of an AV1 low-overhead stream as its OBUs, without temporal delimiters. Stops at
// what does not parse.
[[nodiscard]] std::vector<std::vector<std::byte>> units_of_obus(std::span<const std::byte> unit);

struct FillerShape {
    rtp::Codec codec = rtp::Codec::kVp8;
    std::size_t packets_per_frame = 8;
    std::size_t payload_bytes = 1150;  // of each packet, the codec's own bytes included
    std::size_t frames = 30;
};

// Frames that fill exactly so many packets of exactly that payload; noise but for the codec's
// headers.
[[nodiscard]] Recording make_filler_recording(const FillerShape& shape);

}  // namespace isthmus::media::client
