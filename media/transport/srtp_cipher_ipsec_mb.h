// SrtpCipher by intel-ipsec-mb. Only srtp_fanout_ipsec_mb.cpp includes this.
#pragma once

#include <array>

#include "media/transport/srtp_cipher.h"
#include "media/transport/srtp_ipsec_mb_keys.h"

namespace isthmus::media::transport {

class IpsecMbSrtpCipher final : public SrtpCipher {
  public:
    // `manager` outlives this.
    explicit IpsecMbSrtpCipher(IMB_MGR* manager);

    [[nodiscard]] std::unique_ptr<SrtpExpandedKey> expand(const SrtpSessionKeys& keys) override {
        return expand_ipsec_mb_key(manager_, keys);
    }

    void seal(const AeadJob& job) override;
    [[nodiscard]] bool open(const AeadJob& job) override;
    void apply_key_stream(std::span<const KeyStreamJob> jobs) override;
    void digest(std::span<const DigestJob> jobs) override;

  private:
    void apply_burst(std::span<const KeyStreamJob> jobs);
    void digest_abreast(std::span<const DigestJob> jobs);

    IMB_MGR* manager_;
    std::array<IMB_JOB, kIpsecMbBurstJobs> ciphers_{};
    std::array<IMB_JOB, kIpsecMbBurstJobs> hashes_{};
    alignas(16) std::array<std::array<std::byte, 16>, kIpsecMbBurstJobs> counter_blocks_{};
};

}  // namespace isthmus::media::transport
