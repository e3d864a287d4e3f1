// SrtpCipher by OpenSSL. Only srtp_fanout_openssl.cpp includes this.
#pragma once

#include "media/transport/srtp_cipher.h"
#include "media/transport/srtp_openssl_keys.h"

namespace isthmus::media::transport {

class OpenSslSrtpCipher final : public SrtpCipher {
  public:
    [[nodiscard]] std::unique_ptr<SrtpExpandedKey> expand(const SrtpSessionKeys& keys) override {
        return maker_.expand(keys);
    }

    void seal(const AeadJob& job) override;
    [[nodiscard]] bool open(const AeadJob& job) override;
    void apply_key_stream(std::span<const KeyStreamJob> jobs) override;
    void digest(std::span<const DigestJob> jobs) override;

  private:
    OpenSslKeyMaker maker_;
};

}  // namespace isthmus::media::transport
