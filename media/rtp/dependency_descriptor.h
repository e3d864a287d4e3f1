// The dependency descriptor: which layer a frame belongs to, what it needs and who needs it, in
// clear beside a payload that may be encrypted end to end.
//
//  0                   1                   2
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |S|E|template id|         frame number          |  mandatory, on every packet
// |T|A|d|f|c| template structure (T), active decode targets (A), DTIs (d), differences (f),
//             chain differences (c); bits, not aligned
//
// What most frames have in common comes once, with a key frame, as templates; a packet names the
// template of its frame. Parsing a packet therefore takes the structure that its stream has at the
// time. Nothing is allocated; all counts are bounded by the bits that carry them, but the number of
// references, which is bounded here.
//
// Leaves out: what to make of it (media/layers). Specification: AV1 RTP specification, appendix A.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "media/rtp/frame_size.h"

namespace isthmus::media::rtp {

inline constexpr std::size_t kDescriptorBytesMin = 3;
inline constexpr std::size_t kDescriptorBytesMax = 255;  // of a header extension
inline constexpr std::size_t kTemplateIds = 64;          // 6 bits; also the most templates
inline constexpr std::size_t kDecodeTargetsMax = 32;     // 5 bits, minus one
inline constexpr std::uint8_t kSpatialIdMax = 3;         // MAX_SPATIAL_ID
inline constexpr std::uint8_t kTemporalIdMax = 7;        // MAX_TEMPORAL_ID
// AV1 keeps 8 reference frames. A frame that names more is not understood.
inline constexpr std::size_t kFrameReferencesMax = 8;

// Table A.2.
enum class DecodeTargetIndication : std::uint8_t {
    kNotPresent = 0,
    kDiscardable = 1,
    kSwitch = 2,
    kRequired = 3,
};

// One indication per decode target, two bits each.
class DecodeTargetIndications {
  public:
    void set(std::size_t target, DecodeTargetIndication indication) {
        bits_ = (bits_ & ~(std::uint64_t{3} << target * 2)) | static_cast<std::uint64_t>(indication)
                                                                  << target * 2;
    }

    [[nodiscard]] DecodeTargetIndication of(std::size_t target) const {
        return static_cast<DecodeTargetIndication>(bits_ >> target * 2 & 3U);
    }

    friend bool operator==(DecodeTargetIndications, DecodeTargetIndications) = default;

  private:
    std::uint64_t bits_ = 0;
};

// The frames that a frame refers to, as differences of frame numbers; none is 0.
struct FrameReferences {
    std::array<std::uint16_t, kFrameReferencesMax> differences{};
    std::uint8_t count = 0;

    [[nodiscard]] std::span<const std::uint16_t> all() const {
        return std::span(differences).first(count);
    }

    // False where there is no room left.
    bool add(std::uint32_t difference) {
        if (count == kFrameReferencesMax || difference > 0xffffU) {
            return false;
        }
        differences[count++] = static_cast<std::uint16_t>(difference);
        return true;
    }

    friend bool operator==(const FrameReferences&, const FrameReferences&) = default;
};

// By chain: how many frames ago the chain's last frame was; 0 where the chain begins.
using ChainDifferences = std::array<std::uint8_t, kDecodeTargetsMax>;

struct FrameTemplate {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
    DecodeTargetIndications indications;
    FrameReferences references;
    ChainDifferences chains{};

    friend bool operator==(const FrameTemplate&, const FrameTemplate&) = default;
};

struct TemplateStructure {
    std::uint8_t id_offset = 0;  // the template id of templates[0]
    std::uint8_t decode_targets = 0;
    std::uint8_t chains = 0;
    std::uint8_t templates_used = 0;
    std::uint8_t spatial_layers = 0;
    bool has_sizes = false;
    std::array<FrameTemplate, kTemplateIds> templates{};
    // By decode target: the chain that protects it.
    std::array<std::uint8_t, kDecodeTargetsMax> protected_by{};
    std::array<FrameSize, kSpatialIdMax + 1> sizes{};  // by spatial layer, where has_sizes

    // Null where the id is none of the structure's.
    [[nodiscard]] const FrameTemplate* find(std::uint8_t template_id) const {
        const std::size_t index = (template_id + kTemplateIds - id_offset) % kTemplateIds;
        return index < templates_used ? &templates[index] : nullptr;
    }

    [[nodiscard]] std::uint32_t all_targets() const {
        return static_cast<std::uint32_t>((std::uint64_t{1} << decode_targets) - 1);
    }
};

enum class DescriptorError : std::uint8_t {
    kTooShort,           // less than the mandatory part, or ends in the middle
    kNoStructure,        // none yet, or an id that is not in it: it was lost
    kTooManyTemplates,   // or a layer beyond the syntax constants
    kTooManyReferences,  // or one to the frame itself
};

// The mandatory part alone, and what of the rest needs no structure.
struct DescriptorHead {
    bool start_of_frame = false;
    bool end_of_frame = false;
    std::uint8_t template_id = 0;
    std::uint16_t frame_number = 0;
    bool has_structure = false;  // a key frame: the packet can be understood without an earlier one
    bool has_mask = false;       // active decode targets

    // Nothing where the value is too short.
    [[nodiscard]] static std::optional<DescriptorHead> parse(std::span<const std::byte> value);
};

struct DependencyDescriptor {
    DescriptorHead head;
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
    DecodeTargetIndications indications;
    FrameReferences references;
    ChainDifferences chains{};
    // Bit i: decode target i is being produced. With a structure always; else where the packet
    // says.
    std::optional<std::uint32_t> active_targets;

    // Where the parts lie, for DescriptorEdit. Bits from the value's beginning.
    bool has_mask = false;
    std::uint16_t structure_end = 0;  // 29 without a structure
    std::uint16_t end = 0;            // behind the last bit that means anything

    // Under the stream's `current` structure, or null before the first. Where the value brings a
    // structure itself, that one counts and is read into `attached`, which is undefined after an
    // error.
    [[nodiscard]] static std::expected<DependencyDescriptor, DescriptorError> parse(
        std::span<const std::byte> value,
        const TemplateStructure* current,
        TemplateStructure& attached);
};

// What one receiver is told in other words than the publisher's, and all that it takes to write it:
// small, and good without the structure.
struct DescriptorEdit {
    bool any = false;  // false: the value stays as it is
    bool has_structure = false;
    bool has_mask = false;     // the publisher's value has one
    bool writes_mask = false;  // this one is to have `active_targets`
    std::uint8_t decode_targets = 0;
    std::uint8_t template_id_shift = 0;  // added to all template ids, modulo 64
    std::uint16_t frame_number = 0;
    std::uint16_t structure_end = 0;
    std::uint16_t end = 0;
    std::uint32_t active_targets = 0;

    // The layout of `parsed`; what is to change is filled in by the caller.
    [[nodiscard]] static DescriptorEdit of(const DependencyDescriptor& parsed,
                                           std::uint8_t decode_targets);
};

// Longest that an edited value can become.
inline constexpr std::size_t kEditedDescriptorBytesMax = kDescriptorBytesMax + 5;

// Writes `value` edited; templates and custom fields stay bit by bit. Returns the bytes written, 0
// where `out` is too short or `value` is not laid out as `edit` says.
std::size_t edit_descriptor(std::span<const std::byte> value,
                            const DescriptorEdit& edit,
                            std::span<std::byte> out);

}  // namespace isthmus::media::rtp
