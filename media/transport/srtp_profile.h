// The SRTP protection profiles that the node negotiates (RFC 5764 section 4.1.2, RFC 7714).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace isthmus::media::transport {

// The values are those of the DTLS use_srtp extension.
// NOLINTNEXTLINE(performance-enum-size): the extension's size
enum class SrtpProfile : std::uint16_t {
    // NOLINTNEXTLINE(readability-identifier-naming): 80 is a size of its own
    kAesCm128HmacSha1_80 = 0x0001,
    kAeadAes128Gcm = 0x0007,
    kAeadAes256Gcm = 0x0008,
};

struct SrtpProfileSizes {
    std::size_t key_bytes = 0;
    std::size_t salt_bytes = 0;
    std::size_t tag_bytes = 0;  // added to each RTP packet
};

[[nodiscard]] constexpr SrtpProfileSizes sizes_of(SrtpProfile profile) {
    switch (profile) {
        case SrtpProfile::kAesCm128HmacSha1_80:
            return {.key_bytes = 16, .salt_bytes = 14, .tag_bytes = 10};
        case SrtpProfile::kAeadAes128Gcm:
            return {.key_bytes = 16, .salt_bytes = 12, .tag_bytes = 16};
        case SrtpProfile::kAeadAes256Gcm:
            return {.key_bytes = 32, .salt_bytes = 12, .tag_bytes = 16};
    }
    return {};
}

inline constexpr std::size_t kSrtpTagBytesMax = 16;

// OpenSSL's and the IANA registry's name, e.g. "SRTP_AEAD_AES_128_GCM".
[[nodiscard]] constexpr std::string_view name_of(SrtpProfile profile) {
    switch (profile) {
        case SrtpProfile::kAesCm128HmacSha1_80:
            return "SRTP_AES128_CM_SHA1_80";
        case SrtpProfile::kAeadAes128Gcm:
            return "SRTP_AEAD_AES_128_GCM";
        case SrtpProfile::kAeadAes256Gcm:
            return "SRTP_AEAD_AES_256_GCM";
    }
    return "";
}

inline constexpr std::array kSrtpProfilesByPreference = {
    SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm, SrtpProfile::kAesCm128HmacSha1_80};

// Master key and salt of one direction; the first sizes_of(profile) bytes of each count.
struct SrtpMasterKey {
    SrtpProfile profile = SrtpProfile::kAeadAes128Gcm;
    std::array<std::byte, 32> key{};
    std::array<std::byte, 14> salt{};
};

}  // namespace isthmus::media::transport
