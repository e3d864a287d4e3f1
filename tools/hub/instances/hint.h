// What instances of one hub tell each other: where to look, and nothing more.
//
// Whoever may publish on the subject can send one, so a hint carries no authority: it makes an
// instance look into the database a little earlier than it would have. A lost one costs time, a
// forged one a look.
//
// JSON: {"v":1,"kind":"wake","nodes":["..."]}. Strict, so that nothing is half understood: a newer
// hub that has more to say says it with another version or kind, which this one refuses and counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus::hub {

enum class HintKind : std::uint8_t {
    kWake,     // there are commands or a configuration for these nodes
    kRecheck,  // revoked, removed, or claimed by a channel elsewhere: is the channel here good?
    kKeys,     // the hub's keys changed
};

inline constexpr std::size_t kHintNodesMax = 500;
inline constexpr std::size_t kHintBytesMax = 40UL * 1024;  // 500 ids of 64 characters, and room

struct Hint {
    HintKind kind = HintKind::kWake;
    std::vector<std::string> nodes{};  // none for kKeys, else 1 to kHintNodesMax

    bool operator==(const Hint&) const = default;
};

enum class HintFault : std::uint8_t {
    kTooLong,
    kNotJson,
    kUnknownVersion,
    kUnknownKind,
    kMalformed
};

[[nodiscard]] std::string_view to_string(HintFault fault);

[[nodiscard]] std::string write_hint(const Hint& hint);
[[nodiscard]] std::expected<Hint, HintFault> parse_hint(std::string_view text);

}  // namespace isthmus::hub
