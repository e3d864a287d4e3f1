// The protected records of one DTLS association, both ways: numbers those that go out, and takes of
// those that come in only what is authentic and new.
//
// Takes over from OpenSSL once the handshake is done, in the middle of the numbering, and decides
// as OpenSSL does (tests/media/transport/dtls_record_difference_test.cpp). Epoch 1 only: there is
// no renegotiation. Knows nothing of what the records say. Specification: RFC 6347 section 4.1.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "media/transport/dtls_record_cipher.h"
#include "media/transport/dtls_records.h"
#include "media/transport/srtp_replay_window.h"

namespace isthmus::media::transport {

class DtlsRecordLayer {
  public:
    // The first that were not used with this key.
    struct Numbering {
        std::uint64_t sequence = 0;
        std::uint64_t nonce = 0;
    };

    DtlsRecordLayer(const DtlsTrafficKey& local, const DtlsTrafficKey& remote, Numbering next)
        : local_(local), remote_(remote), next_(next) {}

    // Appends one record to `datagram`.
    void seal(DtlsContentType type,
              std::span<const std::byte> content,
              std::vector<std::byte>& datagram);

    // The content, written to `out`, or nothing where the record is longer than that,
    // not authentic, was seen before, or is older than the window.
    [[nodiscard]] std::optional<std::span<const std::byte>> open(const DtlsRecord& record,
                                                                 std::span<std::byte> out);

  private:
    // RFC 6347 section 4.1.2.6: 64 is the size to be preferred.
    using Window = SrtpReplayWindow<64>;

    DtlsTrafficKey local_;
    DtlsTrafficKey remote_;
    Numbering next_;
    Window window_;
};

}  // namespace isthmus::media::transport
