// A publisher of one video in several encodings or layers that answers requests for key frames: a
// camera, or a screen, without an encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "media/sfu/track_source.h"
#include "tests/media/layers/scalable_source.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {

inline constexpr std::uint8_t kMidId = 4;
inline constexpr std::uint8_t kRidId = 5;
inline constexpr std::uint8_t kDescriptorId = 6;
inline constexpr std::uint8_t kAv1Type = 45;

// video_section() with dependency descriptors, of VP8 or AV1.
[[nodiscard]] sfu::MediaSection layered_section(sfu::Direction direction, rtp::Codec codec);

struct CameraConfig {
    std::string identity = "alice";
    rtp::Codec codec = rtp::Codec::kVp8;
    std::string_view mode = "L1T3";
    std::size_t encodings = 3;
    int packets_per_frame = 2;  // of the smallest encoding; each other has twice as many
    std::size_t filler_bytes = 0;
    std::optional<sfu::TrackSource> source = std::nullopt;
    std::uint32_t first_ssrc = 0x1000;
    // End to end: dependency descriptors on all packets, and noise behind VP8's descriptor.
    bool encrypted = false;
};

class LayeredCamera {
  public:
    // Joins and connects.
    LayeredCamera(Meeting& meeting, const CameraConfig& config);

    // One picture in all encodings but those that are off. Time does not pass.
    void picture();

    std::deque<layers::ScalableSource> sources;
    std::optional<Joined> publisher;
    std::size_t on = 3;                     // encodings, from the smallest
    std::map<std::uint32_t, int> requests;  // by SSRC

  private:
    [[nodiscard]] rtp::Bytes wrap(std::size_t encoding,
                                  const layers::SourcePacketBytes& packet) const;
    [[nodiscard]] rtp::Bytes payload_of(const layers::SourcePacketBytes& packet) const;
    [[nodiscard]] std::vector<bool> take_requests();

    Meeting& meeting_;
    CameraConfig config_;
    bool begun_ = false;
};

}  // namespace isthmus::media::testing
