// A publisher that encodes nothing: frames of any scalability mode with the dependencies that real
// encoders give them, packetised for any codec with all descriptors.
//
//     L3T3      every layer predicts from the one below in the same picture, and from its past
//     L3T3_KEY  from the one below in key pictures only
//     S3T3      never
//
// Temporal layers of a picture: 0 | 0 1 | 0 2 1 2. The payload's last bytes name source, frame and
// packet, so that a receiver's check does not depend on what was rewritten.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "media/layers/layer_id.h"
#include "media/rtp/dependency_descriptor.h"
#include "media/rtp/payload_format.h"
#include "media/rtp/rtp_packet.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::layers {

enum class InterLayer : std::uint8_t { kAlways, kKeyPictures, kNever };

// Of "L3T3_KEY" and the like.
struct Mode {
    std::uint8_t spatial = 1;
    std::uint8_t temporal = 1;
    InterLayer inter_layer = InterLayer::kAlways;

    [[nodiscard]] static Mode parse(std::string_view name);
};

struct SourceConfig {
    rtp::Codec codec = rtp::Codec::kVp8;
    Mode mode;
    bool flexible = true;     // VP9
    bool descriptors = true;  // dependency descriptors on every packet
    bool short_picture_ids = false;
    std::uint32_t source = 1;
    std::uint32_t ssrc = 0x1000;
    std::uint16_t first_seq = 65500;
    std::uint32_t first_timestamp = 0xfffff000;
    std::uint16_t first_picture = 32760;  // VP8, VP9
    std::uint8_t first_tl0 = 250;
    std::uint16_t first_frame_number = 65530;
    std::uint8_t template_offset = 0;
    int packets_per_frame = 2;
    std::size_t filler_bytes = 0;  // in each packet, for what costs something
};

// One frame as its encoder knows it.
struct TrueFrame {
    std::uint32_t id = 0;  // counts all frames of the source
    LayerId layer;
    bool key = false;  // of a key picture
    std::uint32_t timestamp = 0;
    std::vector<std::uint32_t> references;  // ids
};

struct SourcePacketBytes {
    std::uint32_t source = 0;
    rtp::ExtendedSeq seq{};
    rtp::Bytes rtp;           // header and payload
    rtp::Bytes descriptor;    // empty without
    rtp::RtpPacketView view;  // into `rtp`
};

class ScalableSource {
  public:
    explicit ScalableSource(SourceConfig config);

    // The packets of the next picture, in order. `spatial_layers`: how many it produces (0: all).
    std::vector<SourcePacketBytes> picture(bool key, std::uint8_t spatial_layers = 0);

    [[nodiscard]] const TrueFrame& frame(std::uint32_t id) const { return frames_.at(id); }

    [[nodiscard]] const SourceConfig& config() const { return config_; }

    [[nodiscard]] std::uint32_t frame_count() const {
        return static_cast<std::uint32_t>(frames_.size());
    }

  private:
    struct Layer {
        std::optional<std::uint32_t> last[3];  // by temporal layer: the last frame's id
    };

    [[nodiscard]] std::uint8_t temporal_of(std::uint64_t since_key) const;
    [[nodiscard]] TrueFrame make_frame(bool key, std::uint8_t spatial, std::uint8_t temporal) const;
    [[nodiscard]] rtp::Bytes payload_descriptor(const TrueFrame& frame,
                                                bool first,
                                                bool last,
                                                std::uint8_t layers) const;
    [[nodiscard]] rtp::Bytes vp9_descriptor(const TrueFrame& frame,
                                            bool first,
                                            bool last,
                                            std::uint8_t layers) const;
    [[nodiscard]] rtp::Bytes dependency_descriptor(const TrueFrame& frame,
                                                   bool first,
                                                   bool last,
                                                   std::uint8_t layers) const;
    void make_structure();

    SourceConfig config_;
    rtp::TemplateStructure structure_;
    std::deque<TrueFrame> frames_;
    std::vector<Layer> layers_;
    std::vector<std::uint64_t> picture_of_;  // by frame id
    std::uint64_t pictures_ = 0;
    std::uint64_t since_key_ = 0;
    std::uint64_t tl0_ = 0;  // T0 pictures
    rtp::ExtendedSeq seq_;
    std::uint8_t active_layers_ = 0;
};

}  // namespace isthmus::media::layers
