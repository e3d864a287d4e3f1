// The primitives of one engine that SrtpSession authenticates and decrypts with: in place, of
// packets that the session has taken apart.
//
// Knows no packet: who calls says which bytes are encrypted and which authenticated. Keys come from
// the same engine. One thread. No allocation but in expand().
// Specification: RFC 3711 section 4, RFC 7714 sections 8 and 9.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "media/transport/hmac_sha1.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_key_derivation.h"

namespace isthmus::media::transport {

// Which packet a key is used for: two packets never share all of it.
struct SrtpNonce {
    const SrtpExpandedKey* key = nullptr;
    std::uint32_t ssrc = 0;
    SrtpIndex index = 0;
};

// AES-GCM.
struct AeadJob {
    SrtpNonce nonce;
    std::span<const std::byte> associated;
    std::span<std::byte> text;  // becomes the other of plaintext and ciphertext
    std::byte* tag = nullptr;   // 16 bytes
};

// AES in counter mode: encrypts and decrypts alike.
struct KeyStreamJob {
    SrtpNonce nonce;
    std::span<std::byte> text;
};

// HMAC-SHA1, of which SRTP's tag is the beginning.
struct DigestJob {
    const SrtpExpandedKey* key = nullptr;
    std::span<const std::byte> message;
    std::array<std::byte, kSha1Bytes>* digest = nullptr;
};

class SrtpCipher {
  public:
    virtual ~SrtpCipher() = default;

    [[nodiscard]] virtual std::unique_ptr<SrtpExpandedKey> expand(const SrtpSessionKeys& keys) = 0;

    // Writes the tag.
    virtual void seal(const AeadJob& job) = 0;
    // False where the tag is wrong; then nobody may read `text`. Compares in constant time.
    [[nodiscard]] virtual bool open(const AeadJob& job) = 0;

    virtual void apply_key_stream(std::span<const KeyStreamJob> jobs) = 0;
    // Many at once cost less each, where the engine hashes them abreast.
    virtual void digest(std::span<const DigestJob> jobs) = 0;
};

}  // namespace isthmus::media::transport
