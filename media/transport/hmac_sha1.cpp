// By the low-level SHA-1 calls, which OpenSSL 3 calls deprecated: keyed once, a message starts from
// two states of 20 bytes. The EVP calls allocate for each message (EVP_MD_CTX_copy_ex duplicates
// the provider's state).
#define OPENSSL_SUPPRESS_DEPRECATED

#include "media/transport/hmac_sha1.h"

#include <cstring>

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace isthmus::media::transport {

namespace {

constexpr std::size_t kSha1BlockBytes = 64;
static_assert(kSha1Bytes == SHA_DIGEST_LENGTH);

HmacSha1::State state_of(const SHA_CTX& context) {
    return {context.h0, context.h1, context.h2, context.h3, context.h4};
}

// As if one block had been hashed.
SHA_CTX resume(const HmacSha1::State& state) {
    SHA_CTX context{};
    context.h0 = state[0];
    context.h1 = state[1];
    context.h2 = state[2];
    context.h3 = state[3];
    context.h4 = state[4];
    context.Nl = 8 * kSha1BlockBytes;
    return context;
}

HmacSha1::State hash_padded(std::span<const std::byte, kSha1Bytes> key, unsigned char pad) {
    std::array<unsigned char, kSha1BlockBytes> block{};
    std::memcpy(block.data(), key.data(), key.size());
    for (unsigned char& byte : block) {
        byte ^= pad;
    }
    SHA_CTX context{};
    SHA1_Init(&context);
    SHA1_Update(&context, block.data(), block.size());
    const HmacSha1::State state = state_of(context);
    OPENSSL_cleanse(block.data(), block.size());
    OPENSSL_cleanse(&context, sizeof context);
    return state;
}

}  // namespace

HmacSha1::HmacSha1(std::span<const std::byte, kSha1Bytes> key)
    : inner_(hash_padded(key, 0x36)), outer_(hash_padded(key, 0x5C)) {}

HmacSha1::~HmacSha1() {
    OPENSSL_cleanse(inner_.data(), sizeof inner_);
    OPENSSL_cleanse(outer_.data(), sizeof outer_);
}

void HmacSha1::digest(std::span<const std::byte> message,
                      std::span<std::byte, kSha1Bytes> out) const {
    auto* const to = reinterpret_cast<unsigned char*>(out.data());
    SHA_CTX context = resume(inner_);
    SHA1_Update(&context, message.data(), message.size());
    SHA1_Final(to, &context);
    context = resume(outer_);
    SHA1_Update(&context, to, kSha1Bytes);
    SHA1_Final(to, &context);
}

}  // namespace isthmus::media::transport
