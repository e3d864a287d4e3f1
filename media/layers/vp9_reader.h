// What VP9's own payload descriptor says of a packet's place among the layers.
//
// References come from the packet in flexible mode, and else from the group of pictures in the
// scalability structure, where the publisher gives one. Specification: RFC 9628.
#pragma once

#include <cstdint>
#include <span>

#include "media/layers/packet_layers.h"
#include "media/layers/unwrapper.h"
#include "media/rtp/vp9_descriptor.h"

namespace isthmus::media::layers {

class Vp9Reader {
  public:
    // `marker` of the RTP header, `timestamp` over its wraps.
    void read(const rtp::Vp9Descriptor& descriptor,
              std::span<const std::byte> payload,
              bool marker,
              std::uint64_t timestamp,
              PacketLayers& into);
    void read_again(const rtp::Vp9Descriptor& descriptor,
                    std::uint64_t timestamp,
                    PacketLayers& into) const;

    // 0x0 where no structure has said.
    [[nodiscard]] rtp::FrameSize size_of(std::uint8_t spatial) const {
        return structure_.has_sizes && spatial < structure_.spatial_layers
                   ? structure_.sizes[spatial]
                   : rtp::FrameSize{};
    }

  private:
    void fill(const rtp::Vp9Descriptor& descriptor,
              std::uint64_t picture,
              std::uint64_t timestamp,
              PacketLayers& into) const;
    void fill_references(const rtp::Vp9Descriptor& descriptor, PacketLayers& into) const;
    void follow_layers(const rtp::Vp9Descriptor& descriptor, bool marker);

    rtp::Vp9Structure structure_;
    std::uint64_t group_begin_ = 0;    // the picture that the group counts from
    std::uint8_t spatial_layers_ = 1;  // that pictures have at present
    // Upper layers use lower ones also between key pictures: a lower layer that no upper one uses
    // is then the last of its picture.
    bool predicts_always_ = false;
    Unwrapper<15> pictures_;
    Unwrapper<7> short_pictures_;
};

}  // namespace isthmus::media::layers
