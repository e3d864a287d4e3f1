// Dependency descriptors in one receiver's terms: frame numbers that go on over changes between the
// publisher's streams, template ids of one structure that are not taken for another's, and which
// decode targets the receiver can count on.
//
// Everything else stays as the publisher wrote it. Specification: AV1 RTP specification, appendix
// A.4.2 and A.4.4.
#pragma once

#include <cstdint>

#include "media/layers/packet_layers.h"
#include "media/rtp/dependency_descriptor.h"

namespace isthmus::media::layers {

class DescriptorNumbering {
  public:
    // See Vp8Numbering.
    void begin(std::uint8_t generation, const DescribedFrame& first);

    // A frame of the current stream that is forwarded, in order, to a receiver of `wanted`.
    void on_frame(const DescribedFrame& frame, LayerId wanted);

    // What is to be written anew in the frame's packet. Nothing where it is right as it is.
    [[nodiscard]] rtp::DescriptorEdit edit(std::uint8_t generation,
                                           const DescribedFrame& frame,
                                           LayerId wanted) const;

  private:
    // A change of the active targets is told in this many frames, since some may be lost. With 90
    // frames per second (three spatial layers) it is a quarter of a second.
    static constexpr std::uint8_t kTellFrames = 24;

    struct Offsets {
        std::uint16_t frame_number = 0;
        std::uint8_t template_id = 0;
    };

    [[nodiscard]] static std::uint32_t active_for(const DescribedFrame& frame, LayerId wanted);

    bool started_ = false;
    std::uint8_t generation_ = 0;
    Offsets now_;
    Offsets before_;
    std::uint16_t newest_out_ = 0;
    std::uint8_t ids_end_out_ = 0;   // behind the last template id that the receiver was given
    std::uint32_t told_active_ = 0;  // what the receiver takes for active
    std::uint8_t tell_left_ = 0;     // frames that still say so
};

}  // namespace isthmus::media::layers
