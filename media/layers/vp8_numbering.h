// Picture ids and TL0PICIDX of one receiver's VP8, unbroken over pictures that it is not sent and
// over changes between the publisher's streams.
//
// A receiver takes a gap in the picture ids for a loss and holds pictures back, so each dropped
// picture closes the gap that it would leave. What the last pictures were called is remembered for
// packets that come late or are sent again. Specification: RFC 7741 section 4.2.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "media/layers/packet_layers.h"
#include "media/rtp/payload_prefix.h"
#include "media/rtp/vp8_descriptor.h"

namespace isthmus::media::layers {

class Vp8Numbering {
  public:
    // A stream begins, again or another: its first picture follows all that went before. Streams
    // are told apart by `generation`, which counts up.
    void begin(std::uint8_t generation, const rtp::Vp8Descriptor& first, std::uint64_t picture);

    // The newest picture of the current stream, once, in order. Ids may step back at a key frame
    // only: an encoder that was started again. False for one that has no number and gets none.
    bool on_picture(const rtp::Vp8Descriptor& descriptor,
                    std::uint64_t picture,
                    bool key,
                    bool forwarded);

    // Fills `prefix`, which is empty before and stays so where the publisher's bytes are right as
    // they are. False for a picture that has no number. (An optional prefix would be returned
    // through memory, by bytes: that took longer than all the rest, for every packet.)
    [[nodiscard]] bool rewrite(std::uint8_t generation,
                               std::span<const std::byte> payload,
                               const rtp::Vp8Descriptor& descriptor,
                               std::uint64_t picture,
                               rtp::PayloadPrefix& prefix) const;

  private:
    static constexpr std::size_t kPictures = 128;  // over four seconds at 30 per second
    // Pictures missing at once; beyond, the publisher jumped and nobody will send them.
    static constexpr std::uint64_t kGapMax = 32;

    struct Entry {
        std::uint32_t key = 0;  // 0: none
        std::uint16_t out = 0;
    };

    [[nodiscard]] static std::uint32_t key_of(std::uint8_t generation, std::uint64_t picture) {
        return std::uint32_t{generation} << 24U |
               (static_cast<std::uint32_t>(picture) & 0x7fffffU) | 0x800000U;
    }

    void record(std::uint64_t picture);
    // What a picture is called.
    [[nodiscard]] std::optional<std::uint16_t> number_of(std::uint8_t generation,
                                                         std::uint64_t picture) const;

    bool started_ = false;
    bool long_ids_ = true;  // as the first stream had them
    bool newest_sent_ = false;
    std::uint8_t generation_ = 0;
    std::uint8_t tl0_offset_ = 0;
    std::uint8_t tl0_offset_before_ = 0;  // of the generation before
    std::uint16_t offset_ = 0;            // publisher's to ours
    std::uint64_t newest_ = 0;            // picture of the current stream
    std::uint16_t newest_out_ = 0;
    std::uint8_t newest_tl0_out_ = 0;
    std::array<Entry, kPictures> entries_{};
};

}  // namespace isthmus::media::layers
