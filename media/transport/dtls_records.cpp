#include "media/transport/dtls_records.h"

#include "base/byte_order.h"

namespace isthmus::media::transport {
namespace {

// RFC 6347 section 4.1: type 1, version 2, epoch 2, sequence number 6, length 2.
constexpr std::size_t kHeaderBytes = 13;
constexpr std::size_t kEpochAt = 3;
constexpr std::size_t kLengthAt = 11;

}  // namespace

bool has_plausible_records(std::span<const std::byte> datagram) {
    while (datagram.size() >= kHeaderBytes) {
        const std::size_t bytes = load_be16(&datagram[kLengthAt]);
        if (load_be16(&datagram[kEpochAt]) != 0 && bytes < kProtectedRecordBytesMin) {
            return false;
        }
        if (bytes > datagram.size() - kHeaderBytes) {
            return true;  // cut off; OpenSSL drops it
        }
        datagram = datagram.subspan(kHeaderBytes + bytes);
    }
    return true;
}

}  // namespace isthmus::media::transport
