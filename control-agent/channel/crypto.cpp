#include "control-agent/channel/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::channel {
namespace {

const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* raw(Bytes& bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace

Bytes statement(std::string_view label, std::span<const std::string_view> fields) {
    Bytes out(label);
    out += '\0';
    for (const std::string_view field : fields) {
        std::array<std::byte, 4> length{};
        store_be32(length.data(), static_cast<std::uint32_t>(field.size()));
        out.append(reinterpret_cast<const char*>(length.data()), length.size());
        out += field;
    }
    return out;
}

Bytes statement(std::string_view label, std::initializer_list<std::string_view> fields) {
    return statement(label, std::span(fields.begin(), fields.size()));
}

Bytes sha256(std::string_view data) {
    Bytes out(kHashBytes, '\0');
    unsigned size = 0;
    CHECK(EVP_Digest(data.data(), data.size(), raw(out), &size, EVP_sha256(), nullptr) == 1);
    return out;
}

Bytes hmac_sha256(std::string_view key, std::string_view data) {
    Bytes out(kHashBytes, '\0');
    unsigned size = 0;
    CHECK(HMAC(EVP_sha256(),
               key.data(),
               static_cast<int>(key.size()),
               raw(data),
               data.size(),
               raw(out),
               &size) != nullptr);
    return out;
}

Bytes hkdf_sha256(std::string_view secret,
                  std::string_view salt,
                  std::string_view info,
                  std::size_t length) {
    // RFC 5869 sections 2.2 and 2.3; small enough to stand here.
    CHECK(length <= 255 * kHashBytes);
    const Bytes key = hmac_sha256(salt, secret);
    Bytes out;
    Bytes block;
    for (unsigned char counter = 1; out.size() < length; ++counter) {
        block.append(info).push_back(static_cast<char>(counter));
        block = hmac_sha256(key, block);
        out += block;
    }
    out.resize(length);
    return out;
}

bool equal_secrets(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Bytes random_bytes(RandomSource& random, std::size_t count) {
    Bytes out(count, '\0');
    random.fill(std::as_writable_bytes(std::span(out)));
    return out;
}

}  // namespace isthmus::channel
