#include "media/rtp/red.h"

#include <algorithm>
#include <cstring>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::rtp {
namespace {

constexpr std::uint8_t kFollowed = 0x80;  // another block's header follows

bool can_express(const EarlierFrame& frame) {
    return frame.timestamp_offset <= kRedTimestampOffsetMax &&
           frame.payload.size() <= kRedBlockBytesMax && !frame.payload.empty();
}

void write_block_header(std::uint8_t type,
                        std::uint32_t timestamp_offset,
                        std::size_t bytes,
                        std::byte* to) {
    store_be32(to,
               (std::uint32_t{kFollowed} | type) << 24U | timestamp_offset << 10U |
                   static_cast<std::uint32_t>(bytes));
}

}  // namespace

std::expected<RedPayload, RedError> RedPayload::parse(std::span<const std::byte> payload) {
    RedPayload red;
    std::size_t at = 0;
    std::array<std::size_t, kEarlierMax> lengths{};
    std::size_t total = 0;
    while (at < payload.size() && (load_u8(&payload[at]) & kFollowed) != 0) {
        if (payload.size() - at < kRedBlockHeaderBytes) {
            return std::unexpected(RedError::kTruncatedHeader);
        }
        if (red.block_count == kEarlierMax) {
            return std::unexpected(RedError::kTooManyBlocks);
        }
        const std::uint32_t header = load_be32(&payload[at]);
        lengths[red.block_count] = header & kRedBlockBytesMax;
        total += lengths[red.block_count];
        red.blocks[red.block_count++] = {
            .payload_type = static_cast<std::uint8_t>(header >> 24U & 0x7fU),
            .timestamp_offset = static_cast<std::uint16_t>(header >> 10U & kRedTimestampOffsetMax),
            .payload = {}};
        at += kRedBlockHeaderBytes;
    }
    if (at == payload.size()) {
        return std::unexpected(RedError::kTruncatedHeader);
    }
    red.primary_type = load_u8(&payload[at]) & 0x7fU;
    ++at;
    if (total > payload.size() - at) {
        return std::unexpected(RedError::kTruncatedBlock);
    }
    for (std::size_t i = 0; i < red.block_count; ++i) {
        red.blocks[i].payload = payload.subspan(at, lengths[i]);
        at += lengths[i];
    }
    red.primary = payload.subspan(at);
    return red;
}

bool RedPayload::is_uniform() const {
    return std::ranges::all_of(
        earlier(), [this](const RedBlock& block) { return block.payload_type == primary_type; });
}

std::size_t write_red_prefix(std::uint8_t block_type,
                             std::span<const EarlierFrame> earlier,
                             std::span<std::byte> out) {
    CHECK(!out.empty() && earlier.size() <= RedPayload::kEarlierMax);
    // From the newest on: which of them fit.
    std::size_t first = earlier.size();
    std::size_t bytes = 1;
    while (first > 0 && can_express(earlier[first - 1]) &&
           bytes + kRedBlockHeaderBytes + earlier[first - 1].payload.size() <= out.size()) {
        --first;
        bytes += kRedBlockHeaderBytes + earlier[first].payload.size();
    }
    const auto frames = earlier.subspan(first);
    std::byte* header = out.data();
    std::byte* body = header + frames.size() * kRedBlockHeaderBytes + 1;
    for (const EarlierFrame& frame : frames) {
        write_block_header(block_type, frame.timestamp_offset, frame.payload.size(), header);
        header += kRedBlockHeaderBytes;
        std::memcpy(body, frame.payload.data(), frame.payload.size());
        body += frame.payload.size();
    }
    store_u8(header, block_type);
    return bytes;
}

std::size_t write_red_headers(const RedPayload& red,
                              std::uint8_t block_type,
                              std::span<std::byte> out) {
    if (out.size() < red.header_bytes()) {
        return 0;
    }
    std::byte* at = out.data();
    for (const RedBlock& block : red.earlier()) {
        write_block_header(block_type, block.timestamp_offset, block.payload.size(), at);
        at += kRedBlockHeaderBytes;
    }
    store_u8(at, block_type);
    return red.header_bytes();
}

}  // namespace isthmus::media::rtp
