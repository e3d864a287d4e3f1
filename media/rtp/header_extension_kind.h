// The RTP header extensions that the node reads or writes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace isthmus::media::rtp {

enum class ExtensionKind : std::uint8_t {
    kMid,                   // RFC 9143
    kRid,                   // RFC 8852
    kRepairedRid,           // RFC 8852
    kAbsSendTime,           // webrtc.org/experiments/rtp-hdrext/abs-send-time
    kTransportSequence,     // draft-holmer-rmcat-transport-wide-cc-extensions-01
    kAudioLevel,            // RFC 6464
    kVideoOrientation,      // 3GPP TS 26.114 section 7.4.5
    kPlayoutDelay,          // webrtc.org/experiments/rtp-hdrext/playout-delay
    kDependencyDescriptor,  // AV1 RTP specification, appendix A
};
inline constexpr std::size_t kExtensionKinds = 9;

[[nodiscard]] std::string_view uri_of(ExtensionKind kind);
[[nodiscard]] std::optional<ExtensionKind> extension_from_uri(std::string_view uri);

// Which id each extension has on one connection; 0 where it is not negotiated. In a BUNDLE the ids
// are the same in all sections (RFC 9143 section 8.1).
class ExtensionIds {
  public:
    [[nodiscard]] std::uint8_t id_of(ExtensionKind kind) const {
        return ids_[static_cast<std::size_t>(kind)];
    }

    [[nodiscard]] std::optional<ExtensionKind> kind_of(std::uint8_t id) const {
        for (std::size_t i = 0; i < ids_.size(); ++i) {
            if (id != 0 && ids_[i] == id) {
                return static_cast<ExtensionKind>(i);
            }
        }
        return std::nullopt;
    }

    void set(ExtensionKind kind, std::uint8_t id) { ids_[static_cast<std::size_t>(kind)] = id; }

  private:
    std::array<std::uint8_t, kExtensionKinds> ids_{};
};

}  // namespace isthmus::media::rtp
