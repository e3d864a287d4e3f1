#include "media/client/outbound_header.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::client {

using rtp::ExtensionIds;
using rtp::ExtensionKind;
using rtp::HeaderExtensions;

namespace {

constexpr std::size_t kValueBytesMax = 16;
constexpr std::uint8_t kIdMax = 14;

// The elements behind the four bytes of the block's header.
class ElementWriter {
  public:
    ElementWriter(const ExtensionIds& ids, std::byte* begin) : ids_(ids), at_(begin) {}

    void add(ExtensionKind kind, std::span<const std::byte> value) {
        const std::uint8_t id = ids_.id_of(kind);
        if (id == 0 || id > kIdMax || value.empty() || value.size() > kValueBytesMax) {
            return;
        }
        store_u8(at_++, static_cast<std::uint8_t>((id << 4U) | (value.size() - 1)));
        std::ranges::copy(value, at_);
        at_ += value.size();
    }

    void add(ExtensionKind kind, std::string_view text) {
        add(kind, std::as_bytes(std::span(text.data(), text.size())));
    }

    [[nodiscard]] std::byte* end() const { return at_; }

  private:
    const ExtensionIds& ids_;
    std::byte* at_;
};

void add_numbers(const HeaderExtensions& values, ElementWriter& writer) {
    std::array<std::byte, 3> bytes{};
    if (values.abs_send_time) {
        store_be24(bytes.data(), *values.abs_send_time);
        writer.add(ExtensionKind::kAbsSendTime, bytes);
    }
    if (values.transport_sequence) {
        store_be16(bytes.data(), *values.transport_sequence);
        writer.add(ExtensionKind::kTransportSequence, std::span(bytes).first(2));
    }
    if (values.audio_level) {
        const auto voice = values.audio_level->voice ? 0x80U : 0U;
        store_u8(bytes.data(),
                 static_cast<std::uint8_t>(voice | (values.audio_level->minus_dbov & 0x7fU)));
        writer.add(ExtensionKind::kAudioLevel, std::span(bytes).first(1));
    }
}

}  // namespace

std::size_t write_outbound_header(const rtp::RtpHeaderFields& fields,
                                  const ExtensionIds& ids,
                                  const HeaderExtensions& values,
                                  std::span<std::byte> out) {
    CHECK(out.size() >= rtp::kRtpHeaderBytesMax);
    std::byte* const block = out.data() + rtp::kRtpFixedHeaderBytes;
    ElementWriter writer(ids, block + 4);
    writer.add(ExtensionKind::kMid, values.mid);
    writer.add(ExtensionKind::kRid, values.rid);
    writer.add(ExtensionKind::kRepairedRid, values.repaired_rid);
    add_numbers(values, writer);
    auto elements = static_cast<std::size_t>(writer.end() - (block + 4));
    const bool extended = elements > 0;
    while (elements % 4 != 0) {
        block[4 + elements++] = std::byte{0};
    }
    if (extended) {
        store_be16(block, rtp::kOneByteExtensionProfile);
        store_be16(block + 2, static_cast<std::uint16_t>(elements / 4));
    }
    store_u8(out.data(), extended ? 0x90 : 0x80);
    store_u8(
        out.data() + 1,
        static_cast<std::uint8_t>((fields.marker ? 0x80U : 0U) | (fields.payload_type & 0x7fU)));
    store_be16(out.data() + 2, fields.seq);
    store_be32(out.data() + 4, value_of(fields.timestamp));
    store_be32(out.data() + 8, fields.ssrc);
    return rtp::kRtpFixedHeaderBytes + (extended ? 4 + elements : 0);
}

}  // namespace isthmus::media::client
