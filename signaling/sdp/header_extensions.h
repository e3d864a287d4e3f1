// Which of the offered header extensions a connection uses, the same ids in all sections of the
// BUNDLE (RFC 9143 section 8.1, RFC 8285).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "media/rtp/header_extension_kind.h"
#include "media/sfu/connection_description.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::sdp {

// The node writes the one-byte header, which has ids 1 to 14 (RFC 8285 section 4.2).
inline constexpr std::uint16_t kExtensionIdMax = 14;

class ExtensionSelection {
  public:
    explicit ExtensionSelection(std::span<const media::rtp::ExtensionKind> supported)
        : supported_(supported.begin(), supported.end()) {}

    // The ids for the next section, in m-line order. An extension is left out where it is offered
    // for the other direction only, or where its id contradicts an earlier section's: aiortc gives
    // one id to two extensions.
    [[nodiscard]] media::rtp::ExtensionIds select(const MediaDescription& offered,
                                                  media::sfu::Direction direction);

  private:
    [[nodiscard]] bool claim(media::rtp::ExtensionKind kind, std::uint8_t id);

    std::vector<media::rtp::ExtensionKind> supported_;
    media::rtp::ExtensionIds claimed_;
};

}  // namespace isthmus::signaling::sdp
