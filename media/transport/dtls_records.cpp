#include "media/transport/dtls_records.h"

#include "base/byte_order.h"

namespace isthmus::media::transport {
namespace {

constexpr std::size_t kVersionAt = 1;
constexpr std::size_t kEpochAt = 3;
constexpr std::size_t kSequenceAt = 5;
constexpr std::size_t kLengthAt = 11;

}  // namespace

std::optional<DtlsRecord> take_dtls_record(std::span<const std::byte>& datagram) {
    if (datagram.size() < kDtlsHeaderBytes) {
        return std::nullopt;
    }
    const std::size_t bytes = kDtlsHeaderBytes + load_be16(&datagram[kLengthAt]);
    if (bytes > datagram.size()) {
        return std::nullopt;
    }
    const std::byte* const header = datagram.data();
    const DtlsRecord record{.type = static_cast<DtlsContentType>(header[0]),
                            .version = load_be16(header + kVersionAt),
                            .epoch = load_be16(header + kEpochAt),
                            .sequence = std::uint64_t{load_be16(header + kSequenceAt)} << 32U |
                                        load_be32(header + kSequenceAt + 2),
                            .bytes = datagram.first(bytes)};
    datagram = datagram.subspan(bytes);
    return record;
}

void write_dtls_header(std::span<std::byte, kDtlsHeaderBytes> to,
                       DtlsContentType type,
                       std::uint16_t epoch,
                       std::uint64_t sequence,
                       std::size_t body_bytes) {
    to[0] = static_cast<std::byte>(type);
    store_be16(&to[kVersionAt], kDtls12);
    store_be16(&to[kEpochAt], epoch);
    store_be16(&to[kSequenceAt], static_cast<std::uint16_t>(sequence >> 32U));
    store_be32(&to[kSequenceAt + 2], static_cast<std::uint32_t>(sequence));
    store_be16(&to[kLengthAt], static_cast<std::uint16_t>(body_bytes));
}

bool has_plausible_records(std::span<const std::byte> datagram) {
    // What is cut off is left to OpenSSL, which drops it.
    while (const auto record = take_dtls_record(datagram)) {
        if (record->epoch != 0 && record->body().size() < kProtectedRecordBytesMin) {
            return false;
        }
    }
    return true;
}

}  // namespace isthmus::media::transport
