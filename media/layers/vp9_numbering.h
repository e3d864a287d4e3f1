// Picture ids and TL0PICIDX of one receiver's VP9, unbroken over changes between the publisher's
// streams.
//
// Unlike VP8's, they keep the gaps that dropped pictures leave: references and the group of
// pictures are counted in them. Specification: RFC 9628 section 4.2.
#pragma once

#include <cstdint>

#include "media/rtp/payload_prefix.h"
#include "media/rtp/vp9_descriptor.h"

namespace isthmus::media::layers {

class Vp9Numbering {
  public:
    // See Vp8Numbering.
    void begin(std::uint8_t generation, const rtp::Vp9Descriptor& first);

    // A picture of the current stream that is forwarded, in order.
    void on_picture(const rtp::Vp9Descriptor& descriptor);

    // Empty where the publisher's bytes are right as they are.
    [[nodiscard]] rtp::PayloadPrefix rewrite(std::uint8_t generation,
                                             std::span<const std::byte> payload,
                                             const rtp::Vp9Descriptor& descriptor) const;

  private:
    struct Offsets {
        std::uint16_t picture = 0;
        std::uint8_t tl0 = 0;
    };

    bool started_ = false;
    std::uint8_t generation_ = 0;
    Offsets now_;
    Offsets before_;
    std::uint16_t newest_out_ = 0;
    std::uint8_t newest_tl0_out_ = 0;
};

}  // namespace isthmus::media::layers
