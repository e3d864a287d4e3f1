// Looks at the records that OpenSSL sends during a handshake, so that another can go on after it.
//
// OpenSSL tells nobody which numbers and nonces it has used. Its nonces begin at a random place and
// go up by one; a record under a nonce that was used before would give the key away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "media/transport/dtls_record_layer.h"

namespace isthmus::media::transport {

class DtlsSentRecords {
  public:
    // Call for each datagram, also for those that are not sent after all.
    void note(std::span<const std::byte> datagram);

    [[nodiscard]] std::uint64_t next_plain_sequence() const { return next_plain_sequence_; }

    [[nodiscard]] DtlsRecordLayer::Numbering next() const { return next_; }

    // The last one of epoch 1, whole: our Finished. Empty before there was one.
    [[nodiscard]] std::span<const std::byte> last_protected() const { return last_protected_; }

  private:
    std::uint64_t next_plain_sequence_ = 0;
    DtlsRecordLayer::Numbering next_;
    std::vector<std::byte> last_protected_;
};

}  // namespace isthmus::media::transport
