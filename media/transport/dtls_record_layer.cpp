#include "media/transport/dtls_record_layer.h"

#include "base/check.h"

namespace isthmus::media::transport {
namespace {

constexpr std::uint16_t kEpoch = 1;
constexpr std::uint64_t kSequencesEnd = std::uint64_t{1} << 48U;

[[nodiscard]] bool has_version(const DtlsRecord& record) {
    // OpenSSL tolerates alerts of any DTLS version.
    return record.type == DtlsContentType::kAlert ? record.version >> 8U == kDtls12 >> 8U
                                                  : record.version == kDtls12;
}

}  // namespace

void DtlsRecordLayer::seal(DtlsContentType type,
                           std::span<const std::byte> content,
                           std::vector<std::byte>& datagram) {
    // Nine million years of a record each microsecond.
    CHECK(next_.sequence < kSequencesEnd);
    seal_dtls_record(
        local_,
        {.type = type, .epoch = kEpoch, .sequence = next_.sequence, .nonce = next_.nonce},
        content,
        datagram);
    ++next_.sequence;
    ++next_.nonce;
}

std::optional<std::span<const std::byte>> DtlsRecordLayer::open(const DtlsRecord& record,
                                                                std::span<std::byte> out) {
    if (record.epoch != kEpoch || !has_version(record) || !window_.is_new(record.sequence)) {
        return std::nullopt;
    }
    const auto content = open_dtls_record(remote_, record, out);
    if (content) {
        window_.note(record.sequence);
    }
    return content;
}

}  // namespace isthmus::media::transport
