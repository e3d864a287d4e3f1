// STUN as strangers and clients may send it: read, demultiplexed, answered by IceLite.
//
// Input: one byte of mode, then bytes. Mode bit 0: the bytes are attributes, to which header,
// USERNAME, MESSAGE-INTEGRITY and FINGERPRINT are added, so that what lies behind the
// authentication is reached. Else they are the message as it is. Holds: no answer is longer than
// the request.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "media/transport/ice_lite.h"
#include "media/transport/peer_transport.h"
#include "tests/media/transport/stun_builder.h"

namespace isthmus::media::transport {
namespace {

// Those of RFC 5769, whose samples are in the corpus.
const IceCredentials kLocal{.ufrag = "evtj", .pwd = "VOkJxbRl1RmTxUk/WvJxBt"};
const IceCredentials kRemote{.ufrag = "h6vY", .pwd = "abcdefghijklmnopqrstuv"};

[[nodiscard]] Path path_of(std::uint8_t mode) {
    Path path;
    path.local = {.ip = IpAddress::v4({198, 51, 100, 1}), .port = 5004};
    path.remote.ip = (mode & 2U) != 0 ? IpAddress::v4({192, 0, 2, 1})
                                      : IpAddress::parse("2001:db8::1").value_or(IpAddress{});
    path.remote.port = mode;
    return path;
}

// Takes the attributes apart by their lengths, and writes them again well-formed.
[[nodiscard]] std::vector<std::byte> authentic(std::span<const std::byte> attributes) {
    StunBuilder builder;
    builder.attribute(0x0006, "evtj:h6vY");
    while (attributes.size() >= 4) {
        const std::uint16_t type = load_be16(attributes.data());
        const std::size_t bytes =
            std::min<std::size_t>(load_be16(attributes.data() + 2) % 64, attributes.size() - 4);
        builder.attribute(type, attributes.subspan(4, bytes));
        attributes = attributes.subspan(4 + bytes);
    }
    return builder.integrity(kLocal.pwd).fingerprint().bytes();
}

void run(std::uint8_t mode, std::span<const std::byte> message) {
    IceLite ice(kLocal, kRemote, 4);
    std::array<std::byte, kStunBytesMax> buffer{};
    for (int repeat = 0; repeat < 2; ++repeat) {
        const CheckOutcome outcome = ice.handle_message(Instant{}, path_of(mode), message, buffer);
        CHECK(outcome.answer.size() <= message.size());
        CHECK(outcome.result != CheckResult::kBad || outcome.answer.empty());
        CHECK(outcome.result != CheckResult::kValid || ice.is_verified(path_of(mode)));
    }
    const std::string_view ufrag = stun_local_ufrag(message);
    CHECK(ufrag.size() <= message.size());
    CHECK(classify(message) == DatagramKind::kStun || message.empty() ||
          std::to_integer<unsigned>(message[0]) > 3);
    if (const auto transaction = stun_transaction(message)) {
        std::ignore = parse_binding_response(message, *transaction, kLocal);
    }
}

}  // namespace
}  // namespace isthmus::media::transport

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace isthmus::media::transport;  // NOLINT(google-build-using-namespace): one
                                                // function
    if (size == 0 || size > kStunBytesMax) {
        return 0;
    }
    const auto input = std::as_bytes(std::span(data, size)).subspan(1);
    if ((data[0] & 1U) != 0) {
        run(data[0], authentic(input));
    } else {
        run(data[0], input);
    }
    return 0;
}
