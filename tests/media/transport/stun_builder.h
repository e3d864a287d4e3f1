// STUN messages byte by byte, with or without what the RFC demands: for tests of the reader. Shares
// no code with it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/byte_order.h"

namespace isthmus::media::transport {

class StunBuilder {
  public:
    static constexpr std::uint16_t kBindingRequest = 0x0001;

    explicit StunBuilder(std::uint16_t type = kBindingRequest, std::uint8_t transaction = 1)
        : bytes_(20) {
        store_be16(bytes_.data(), type);
        store_be32(bytes_.data() + 4, 0x2112A442);
        bytes_[19] = std::byte{transaction};
    }

    StunBuilder& attribute(std::uint16_t type, std::span<const std::byte> value) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + 4 + (value.size() + 3) / 4 * 4);
        store_be16(bytes_.data() + at, type);
        store_be16(bytes_.data() + at + 2, static_cast<std::uint16_t>(value.size()));
        std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at) + 4);
        return set_length(0);
    }

    StunBuilder& attribute(std::uint16_t type, std::string_view value) {
        return attribute(type, std::as_bytes(std::span(value)));
    }

    StunBuilder& integrity(std::string_view pwd) {
        set_length(24);
        std::array<std::byte, 20> mac{};
        unsigned mac_bytes = 0;
        HMAC(EVP_sha1(),
             pwd.data(),
             static_cast<int>(pwd.size()),
             reinterpret_cast<const unsigned char*>(bytes_.data()),
             bytes_.size(),
             reinterpret_cast<unsigned char*>(mac.data()),
             &mac_bytes);
        return attribute(0x0008, mac);
    }

    StunBuilder& fingerprint() {
        set_length(8);
        std::array<std::byte, 4> crc{};
        store_be32(crc.data(), crc32(bytes_) ^ 0x5354554eU);
        return attribute(0x8028, crc);
    }

    [[nodiscard]] std::vector<std::byte> bytes() const { return bytes_; }

  private:
    // `more` bytes are to follow and count already (RFC 8489 sections 14.5 and 14.7).
    StunBuilder& set_length(std::size_t more) {
        store_be16(bytes_.data() + 2, static_cast<std::uint16_t>(bytes_.size() - 20 + more));
        return *this;
    }

    [[nodiscard]] static std::uint32_t crc32(std::span<const std::byte> bytes) {
        std::uint32_t crc = 0xffffffffU;
        for (const std::byte byte : bytes) {
            crc ^= std::to_integer<std::uint32_t>(byte);
            for (int bit = 0; bit < 8; ++bit) {
                crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
            }
        }
        return ~crc;
    }

    std::vector<std::byte> bytes_;
};

}  // namespace isthmus::media::transport
