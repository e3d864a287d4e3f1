// Keeps a stream's template structures, and reads the dependency descriptor of each packet by the
// one that it belongs to.
//
// The current structure and the one before it are kept: packets of the latter may come late. Each
// stream that has descriptors allocates both once.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "media/layers/decode_targets.h"
#include "media/layers/packet_layers.h"
#include "media/layers/unwrapper.h"
#include "media/rtp/dependency_descriptor.h"

namespace isthmus::media::layers {

class DescriptorReader {
  public:
    // Fills in everything that a descriptor tells. Where it cannot be read but for its mandatory
    // part (kNoStructure: the key frame's packet was lost), says only which frame it is, and that
    // everybody needs it.
    std::expected<void, rtp::DescriptorError> read(std::span<const std::byte> value,
                                                   PacketLayers& into);

    // The same for a packet that was read before and is looked at again; a structure in it is not
    // taken up.
    void read_again(std::span<const std::byte> value, PacketLayers& into) const;

    // Of the current structure; 0x0 where it does not say.
    [[nodiscard]] rtp::FrameSize size_of(std::uint8_t spatial) const;

    // Null before the first.
    [[nodiscard]] const DecodeTargets* current() const {
        return slots_[current_] && slots_[current_]->known ? &slots_[current_]->targets : nullptr;
    }

  private:
    struct Slot {
        bool known = false;
        std::uint64_t first_frame = 0;
        rtp::TemplateStructure structure;
        DecodeTargets targets;
    };

    std::expected<void, rtp::DescriptorError> read_structure(std::span<const std::byte> value,
                                                             const rtp::DescriptorHead& head,
                                                             PacketLayers& into);
    // The structure for the frame that `head` begins; null where there is none.
    [[nodiscard]] const Slot* find(const rtp::DescriptorHead& head) const;

    std::array<std::unique_ptr<Slot>, 2> slots_;
    std::size_t current_ = 0;
    Unwrapper<16> frame_numbers_;
};

}  // namespace isthmus::media::layers
