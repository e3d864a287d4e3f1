#include "tests/media/rtp/flexfec_decoder.h"

#include <algorithm>

#include "base/byte_order.h"

namespace isthmus::media::rtp::testing {
namespace {

constexpr std::size_t kFixed = 12;

}  // namespace

void FlexfecDecoder::add_media(std::span<const std::byte> packet) {
    media_[load_be16(&packet[2])] = {packet.begin(), packet.end()};
}

std::optional<RepairHeader> FlexfecDecoder::parse(std::span<const std::byte> payload) {
    if (payload.size() < 20 || (load_u8(&payload[0]) & 0xC0U) != 0 || load_u8(&payload[8]) != 1 ||
        load_be24(&payload[9]) != 0) {
        return std::nullopt;
    }
    RepairHeader header{.media_ssrc = load_be32(&payload[12]), .seqs = {}, .bytes = 20};
    const std::uint16_t base = load_be16(&payload[16]);
    // Bits of the mask, in order, without the k bits.
    std::vector<bool> mask;
    const auto take = [&](std::size_t at, std::size_t bytes) {
        for (std::size_t bit = 1; bit < bytes * 8; ++bit) {
            mask.push_back((load_u8(&payload[at + bit / 8]) >> (7 - bit % 8) & 1U) != 0);
        }
        return (load_u8(&payload[at]) & 0x80U) != 0;
    };
    if (!take(18, 2)) {
        if (payload.size() < 24) {
            return std::nullopt;
        }
        header.bytes = 24;
        if (!take(20, 4)) {
            if (payload.size() < 32) {
                return std::nullopt;
            }
            header.bytes = 32;
            if (!take(24, 8)) {
                return std::nullopt;
            }
        }
    }
    for (std::size_t i = 0; i < mask.size(); ++i) {
        if (mask[i]) {
            header.seqs.push_back(static_cast<std::uint16_t>(base + i));
        }
    }
    return header;
}

std::optional<std::vector<std::byte>> FlexfecDecoder::recover(
    std::span<const std::byte> payload) const {
    const auto header = parse(payload);
    if (!header) {
        return std::nullopt;
    }
    std::optional<std::uint16_t> missing;
    std::vector<std::byte> fixed(payload.begin(), payload.begin() + 8);
    std::vector<std::byte> body(payload.begin() + static_cast<std::ptrdiff_t>(header->bytes),
                                payload.end());
    for (const std::uint16_t seq : header->seqs) {
        const auto found = media_.find(seq);
        if (found == media_.end()) {
            if (missing) {
                return std::nullopt;
            }
            missing = seq;
            continue;
        }
        const std::vector<std::byte>& packet = found->second;
        const auto length = static_cast<std::uint16_t>(packet.size() - kFixed);
        fixed[0] ^= packet[0];
        fixed[1] ^= packet[1];
        store_be16(&fixed[2], static_cast<std::uint16_t>(load_be16(&fixed[2]) ^ length));
        for (std::size_t i = 4; i < 8; ++i) {
            fixed[i] ^= packet[i];
        }
        for (std::size_t i = kFixed; i < packet.size() && i - kFixed < body.size(); ++i) {
            body[i - kFixed] ^= packet[i];
        }
    }
    const std::size_t length = load_be16(&fixed[2]);
    if (!missing || length > body.size()) {
        return std::nullopt;
    }
    std::vector<std::byte> packet(kFixed + length);
    store_u8(packet.data(), static_cast<std::uint8_t>(0x80U | (load_u8(fixed.data()) & 0x3FU)));
    packet[1] = fixed[1];
    store_be16(&packet[2], *missing);
    std::copy_n(fixed.begin() + 4, 4, packet.begin() + 4);
    store_be32(&packet[8], header->media_ssrc);
    std::copy_n(body.begin(), length, packet.begin() + kFixed);
    return packet;
}

}  // namespace isthmus::media::rtp::testing
