// OpenSSL's keys as this module's sources hold them. Internal: no other module includes this.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/check.h"

namespace isthmus::channel::internal {

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};

using BioPtr = std::unique_ptr<BIO, FreeBio>;

inline EVP_PKEY* pkey(const std::shared_ptr<void>& key) {
    return static_cast<EVP_PKEY*>(key.get());
}

inline std::shared_ptr<void> hold(EVP_PKEY* key) {
    return {key, [](void* held) { EVP_PKEY_free(static_cast<EVP_PKEY*>(held)); }};
}

inline std::shared_ptr<void> private_key(int type, std::string_view bytes) {
    return hold(EVP_PKEY_new_raw_private_key(
        type, nullptr, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

inline std::shared_ptr<void> public_key(int type, std::string_view bytes) {
    return hold(EVP_PKEY_new_raw_public_key(
        type, nullptr, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

inline std::string raw_public(const std::shared_ptr<void>& key) {
    std::string out(32, '\0');
    std::size_t size = out.size();
    CHECK(EVP_PKEY_get_raw_public_key(
              pkey(key), reinterpret_cast<unsigned char*>(out.data()), &size) == 1);
    return out;
}

// An encrypted key would make OpenSSL ask on the terminal.
inline int no_passphrase(char* /*out*/, int /*size*/, int /*rw*/, void* /*user*/) {
    return -1;
}

// Null where it is no key of that type.
inline std::shared_ptr<void> private_from_pem(int type, const std::string& pem) {
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    auto key = hold(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    return key && EVP_PKEY_get_base_id(pkey(key)) == type ? key : nullptr;
}

inline std::string private_to_pem(const std::shared_ptr<void>& key) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    CHECK(bio && PEM_write_bio_PrivateKey(
                     bio.get(), pkey(key), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace isthmus::channel::internal
