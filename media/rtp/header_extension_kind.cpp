#include "media/rtp/header_extension_kind.h"

namespace isthmus::media::rtp {
namespace {

// In the order of ExtensionKind.
constexpr std::array<std::string_view, kExtensionKinds> kUris = {
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "urn:3gpp:video-orientation",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
};

}  // namespace

std::string_view uri_of(ExtensionKind kind) {
    return kUris[static_cast<std::size_t>(kind)];
}

std::optional<ExtensionKind> extension_from_uri(std::string_view uri) {
    for (std::size_t i = 0; i < kUris.size(); ++i) {
        if (kUris[i] == uri) {
            return static_cast<ExtensionKind>(i);
        }
    }
    return std::nullopt;
}

}  // namespace isthmus::media::rtp
