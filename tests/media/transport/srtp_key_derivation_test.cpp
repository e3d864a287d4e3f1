#include "media/transport/srtp_key_derivation.h"

#include <algorithm>
#include <array>
#include <span>

#include <gtest/gtest.h>

#include "tests/media/transport/hex.h"

namespace isthmus::media::transport {
namespace {

// SPEC rfc3711#B.3
TEST(SrtpKeyDerivation, GivesTheKeysOfRfc3711) {
    SrtpMasterKey master;
    master.profile = SrtpProfile::kAesCm128HmacSha1_80;
    std::ranges::copy(from_hex("e1f97a0d3e018be0d64fa32c06de4139"), master.key.begin());
    std::ranges::copy(from_hex("0ec675ad498afeebb6960b3aabe6"), master.salt.begin());
    const SrtpSessionKeys keys = derive_rtp_session_keys(master);
    EXPECT_EQ(to_hex(std::span(keys.key).first(16)), "c61e7a93744f39ee10734afe3ff7a087");
    EXPECT_EQ(to_hex(keys.salt), "30cbbc08863d8c85d49db34a9ae1");
    EXPECT_EQ(to_hex(keys.auth_key), "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
}

// Bytes behind the profile's own sizes are noise from whoever filled the struct.
TEST(SrtpKeyDerivation, ReadsNoMoreOfTheMasterKeyThanTheProfileHas) {
    for (const SrtpProfile profile : kSrtpProfilesByPreference) {
        SrtpMasterKey master;
        master.profile = profile;
        const SrtpSessionKeys clean = derive_rtp_session_keys(master);
        for (std::size_t i = sizes_of(profile).key_bytes; i < master.key.size(); ++i) {
            master.key[i] = std::byte{0xFF};
        }
        for (std::size_t i = sizes_of(profile).salt_bytes; i < master.salt.size(); ++i) {
            master.salt[i] = std::byte{0xFF};
        }
        const SrtpSessionKeys noisy = derive_rtp_session_keys(master);
        EXPECT_EQ(noisy.key, clean.key);
        EXPECT_EQ(noisy.salt, clean.salt);
        EXPECT_EQ(noisy.auth_key, clean.auth_key);
        EXPECT_TRUE(std::all_of(clean.salt.begin() + static_cast<int>(sizes_of(profile).salt_bytes),
                                clean.salt.end(),
                                [](std::byte b) { return b == std::byte{0}; }));
    }
}

// SPEC rfc7714#16.1.1: the published nonce.
TEST(SrtpSalt, MakesTheNonceOfRfc7714) {
    std::array<std::byte, 14> salt{};
    std::ranges::copy(from_hex("517569642070726f2071756f"), salt.begin());
    const std::vector<std::byte> header = from_hex("8040f17b8041f8d35501a0b2");
    std::array<std::byte, 12> nonce{};
    SrtpSalt(salt).write_gcm_nonce(
        load_be32(header.data() + 8), srtp_index_of(header.data(), 0), nonce.data());
    EXPECT_EQ(to_hex(nonce), "51753c6580c2726f20718414");
}

// SPEC rfc3711#4.1.1
TEST(SrtpSalt, MakesTheCounterBlockOfRfc3711) {
    std::array<std::byte, 14> salt{};
    std::ranges::copy(from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd"), salt.begin());
    const std::vector<std::byte> header = from_hex("80000102000000000a0b0c0d");
    std::array<std::byte, 16> block{};
    SrtpSalt(salt).write_counter_block(
        load_be32(header.data() + 8), srtp_index_of(header.data(), 0x01020304), block.data());
    EXPECT_EQ(to_hex(block), "f0f1f2f3fefefafaf9fbf9fffdff0000");
}

}  // namespace
}  // namespace isthmus::media::transport
