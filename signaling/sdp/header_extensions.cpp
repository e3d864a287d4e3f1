#include "signaling/sdp/header_extensions.h"

#include <algorithm>

namespace isthmus::signaling::sdp {
namespace {

using media::rtp::ExtensionIds;
using media::rtp::ExtensionKind;
using media::sfu::Direction;

// The one-byte header's values have 16 bytes at most (RFC 8285 section 4.2).
constexpr std::size_t kMidBytesMax = 16;

// `offered`: the client's view, `direction`: the node's.
[[nodiscard]] bool fits(std::optional<StreamDirection> offered, Direction direction) {
    const bool node_sends = direction == Direction::kSend || direction == Direction::kSendReceive;
    const bool node_receives =
        direction == Direction::kReceive || direction == Direction::kSendReceive;
    switch (offered.value_or(StreamDirection::kSendReceive)) {
        case StreamDirection::kSendReceive:
            return true;
        case StreamDirection::kSendOnly:
            return node_receives;
        case StreamDirection::kReceiveOnly:
            return node_sends;
        case StreamDirection::kInactive:
            return false;
    }
    return false;
}

}  // namespace

ExtensionIds ExtensionSelection::select(const MediaDescription& offered, Direction direction) {
    ExtensionIds ids;
    for (const ExtensionMap& map : offered.extensions) {
        const std::optional<ExtensionKind> kind = media::rtp::extension_from_uri(map.uri);
        if (!kind || map.id == 0 || map.id > kExtensionIdMax || !fits(map.direction, direction) ||
            std::ranges::find(supported_, *kind) == supported_.end()) {
            continue;
        }
        if (*kind == ExtensionKind::kMid && offered.mid.size() > kMidBytesMax) {
            continue;
        }
        const auto id = static_cast<std::uint8_t>(map.id);
        if (ids.id_of(*kind) == 0 && claim(*kind, id)) {
            ids.set(*kind, id);
        }
    }
    return ids;
}

bool ExtensionSelection::claim(ExtensionKind kind, std::uint8_t id) {
    const std::optional<ExtensionKind> owner = claimed_.kind_of(id);
    const std::uint8_t earlier = claimed_.id_of(kind);
    if ((owner && *owner != kind) || (earlier != 0 && earlier != id)) {
        return false;
    }
    claimed_.set(kind, id);
    return true;
}

}  // namespace isthmus::signaling::sdp
