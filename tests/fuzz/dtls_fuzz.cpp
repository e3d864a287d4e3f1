// A DTLS server that is sent anything at all, datagram by datagram, with time going by.
//
// Input: a sequence of records of two bytes big-endian and bytes. Top bit of the length: a second
// passes first. Holds: the handshake ends in a known state, takes and sends a bounded amount, and
// never gives keys to somebody who has not shown the promised certificate.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/transport/dtls_endpoint.h"

namespace isthmus::media::transport {
namespace {

[[nodiscard]] const std::shared_ptr<const DtlsIdentity>& identity() {
    static const std::shared_ptr<const DtlsIdentity> kIdentity = [] {
        auto made = DtlsIdentity::make(kSrtpProfilesByPreference);
        CHECK(made);
        return *made;
    }();
    return kIdentity;
}

void run(std::span<const std::byte> input) {
    // Nobody has a certificate with this fingerprint.
    DtlsEndpoint server(identity(), DtlsRole::kServer, Fingerprint{});
    Instant now = Instant{} + std::chrono::hours(1);
    std::size_t datagrams = 0;
    while (input.size() >= 2) {
        const std::uint16_t head = load_be16(input.data());
        const std::size_t bytes = std::min<std::size_t>(head & 0x0fffU, input.size() - 2);
        if ((head & 0x8000U) != 0) {
            now += std::chrono::seconds(1);
            server.handle_timeout(now);
        }
        server.handle_datagram(now, input.subspan(2, bytes));
        input = input.subspan(2 + bytes);
        while (const auto out = server.poll_datagram()) {
            CHECK(out->size() <= DtlsEndpoint::kMtuBytes);
            ++datagrams;
        }
        CHECK(server.keys() == nullptr);
        CHECK(server.state() != DtlsState::kConnected);
        CHECK(server.next_timeout() == kNever || server.next_timeout() > now);
    }
    // One flight for each datagram or second at most, of two datagrams; input is 64 kB at most.
    CHECK(datagrams <= 65'536);
}

}  // namespace
}  // namespace isthmus::media::transport

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::transport::run(std::as_bytes(std::span(data, size)));
    return 0;
}
