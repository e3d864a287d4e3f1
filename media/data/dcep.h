// The Data Channel Establishment Protocol's two messages (RFC 8832 section 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace isthmus::media::data {

// Views into what was parsed.
struct DcepOpen {
    bool ordered = true;
    std::uint16_t priority = 0;
    // At most one of the two; neither: reliable.
    std::optional<std::uint32_t> max_retransmits;
    std::optional<std::uint32_t> lifetime_ms;
    std::string_view label;
    std::string_view protocol;
};

struct DcepAck {};

using DcepMessage = std::variant<DcepOpen, DcepAck>;

enum class DcepError : std::uint8_t {
    kTruncated,
    kUnknownType,
    kUnknownChannelType,
};

[[nodiscard]] std::expected<DcepMessage, DcepError> parse_dcep(std::span<const std::byte> bytes);

// Label and protocol are cut at 65535 bytes.
[[nodiscard]] std::vector<std::byte> write_dcep_open(const DcepOpen& open);
[[nodiscard]] std::vector<std::byte> write_dcep_ack();

}  // namespace isthmus::media::data
