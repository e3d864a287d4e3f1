#include "media/transport/dtls_sent_records.h"

#include "base/byte_order.h"

namespace isthmus::media::transport {

void DtlsSentRecords::note(std::span<const std::byte> datagram) {
    while (const auto record = take_dtls_record(datagram)) {
        if (record->epoch == 0) {
            next_plain_sequence_ = record->sequence + 1;
        } else if (record->body().size() >= kDtlsNonceBytes) {
            next_ = {.sequence = record->sequence + 1,
                     .nonce = load_be64(record->body().data()) + 1};
            last_protected_.assign(record->bytes.begin(), record->bytes.end());
        }
    }
}

}  // namespace isthmus::media::transport
