// The versions of the channel's protocol that one side speaks. A release speaks its own and the one
// of the release before, so that hub and agents need not be upgraded at one moment.
#pragma once

#include <cstdint>
#include <string>

namespace isthmus::channel {

struct ProtocolRange {
    std::int64_t oldest = 1;
    std::int64_t newest = 1;

    [[nodiscard]] bool has(std::int64_t version) const {
        return oldest <= version && version <= newest;
    }

    // "1", or "1 to 2".
    [[nodiscard]] std::string text() const {
        return oldest == newest ? std::to_string(oldest)
                                : std::to_string(oldest) + " to " + std::to_string(newest);
    }
};

// This release's.
inline constexpr ProtocolRange kProtocols{.oldest = 1, .newest = 1};

}  // namespace isthmus::channel
