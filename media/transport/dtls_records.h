// DTLS records: what can be read of them without keys, and what is refused before OpenSSL sees it.
//
// Some releases of OpenSSL (3.0.19) answer a protected record that is too short for its own tag
// with a fatal alert, and are done with the connection: anybody who can forge a source address
// could end a handshake. RFC 6347 section 4.1.2.7 asks to drop what is invalid.
//
// Specification: RFC 6347 section 4.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace isthmus::media::transport {

enum class DtlsContentType : std::uint8_t {
    kChangeCipherSpec = 20,
    kAlert = 21,
    kHandshake = 22,
    kApplicationData = 23,
};

inline constexpr std::uint16_t kDtls12 = 0xfefd;

// RFC 6347 section 4.1: type 1, version 2, epoch 2, sequence number 6, length 2.
inline constexpr std::size_t kDtlsHeaderBytes = 13;
inline constexpr std::size_t kDtlsNonceBytes = 8;  // in front of the ciphertext, RFC 5288 section 3
inline constexpr std::size_t kDtlsTagBytes = 16;
// Nothing that AES-GCM protects is shorter than a byte; other ciphers are not offered.
inline constexpr std::size_t kProtectedRecordBytesMin = kDtlsNonceBytes + 1 + kDtlsTagBytes;

struct DtlsRecord {
    DtlsContentType type{};  // any value
    std::uint16_t version = 0;
    std::uint16_t epoch = 0;
    std::uint64_t sequence = 0;        // 48 bits
    std::span<const std::byte> bytes;  // header and body

    [[nodiscard]] std::span<const std::byte> body() const {
        return bytes.subspan(kDtlsHeaderBytes);
    }
};

// Takes the first record off `datagram`. Nothing where there is none that is whole; what is left
// then is nothing that could be read.
[[nodiscard]] std::optional<DtlsRecord> take_dtls_record(std::span<const std::byte>& datagram);

// Of a record of DTLS 1.2.
void write_dtls_header(std::span<std::byte, kDtlsHeaderBytes> to,
                       DtlsContentType type,
                       std::uint16_t epoch,
                       std::uint64_t sequence,
                       std::size_t body_bytes);

// False where a record of the datagram claims to be protected and is too short for it.
[[nodiscard]] bool has_plausible_records(std::span<const std::byte> datagram);

}  // namespace isthmus::media::transport
