// STUN Binding messages of ICE connectivity checks: read, verified, written. libnice's STUN library
// behind it; no other file includes it.
//
// Both sides are here: the node answers requests, the load generator and the tests send them.
// Leaves out: retransmission (RFC 8489 section 6.2), long-term credentials, every other method.
// Specification: RFC 8489, RFC 8445 section 7.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "media/transport/address.h"
#include "media/transport/ice.h"

namespace isthmus::media::transport {

using StunTransactionId = std::array<std::byte, 12>;

// A request of ours or an answer to one: 20 header, 4 + 516 USERNAME, 64 for the rest.
inline constexpr std::size_t kStunBytesMax = 640;

enum class StunRefusal : std::uint8_t {
    kMalformed,        // not STUN, wrong length, missing or wrong FINGERPRINT, another method
    kUnauthenticated,  // missing or wrong USERNAME or MESSAGE-INTEGRITY
    kIndication,       // a keep-alive: nothing to do
    kUnexpectedClass,  // a response where a request was wanted, or the other way round
};

struct BindingRequest {
    StunTransactionId transaction{};
    std::uint32_t priority = 0;  // PRIORITY, 0 where absent
    bool use_candidate = false;
    bool peer_is_controlled = false;  // ICE-CONTROLLED is present
    // There are comprehension-required attributes that we do not know (RFC 8489 section 6.3.1).
    bool has_unknown_attributes = false;
};

// Verifies FINGERPRINT, USERNAME "local:remote" and MESSAGE-INTEGRITY with our password.
[[nodiscard]] std::expected<BindingRequest, StunRefusal> parse_binding_request(
    std::span<const std::byte> message, const IceCredentials& local, const IceCredentials& remote);

// The USERNAME of a well-formed Binding request, unverified; a view into `message`, or empty.
[[nodiscard]] std::string_view binding_request_username(std::span<const std::byte> message);

// Answers to a request that parse_binding_request() accepted. They return the bytes written to
// `out`, or nothing where the answer does not fit: give as much room as the request had, and the
// node amplifies nothing.
[[nodiscard]] std::span<const std::byte> write_binding_success(std::span<const std::byte> request,
                                                               const IceCredentials& local,
                                                               const SocketAddress& mapped,
                                                               std::span<std::byte> out);
// 487 (RFC 8445 section 7.3.1.1).
[[nodiscard]] std::span<const std::byte> write_role_conflict(std::span<const std::byte> request,
                                                             const IceCredentials& local,
                                                             std::span<std::byte> out);
// 420 with UNKNOWN-ATTRIBUTES.
[[nodiscard]] std::span<const std::byte> write_unknown_attributes(
    std::span<const std::byte> request, const IceCredentials& local, std::span<std::byte> out);

// What a controlling or (for tests) controlled agent sends.
struct BindingRequestFields {
    StunTransactionId transaction{};
    std::uint64_t tie_breaker = 0;
    std::uint32_t priority = 0;
    bool controlling = true;
    bool use_candidate = false;
};

// `local` and `remote` as the sender sees them.
[[nodiscard]] std::span<const std::byte> write_binding_request(const BindingRequestFields& fields,
                                                               const IceCredentials& local,
                                                               const IceCredentials& remote,
                                                               std::span<std::byte> out);

struct BindingResponse {
    int error_code = 0;  // 0: success
    std::optional<SocketAddress> mapped;
};

// The transaction of any STUN message, to find the request that it answers.
[[nodiscard]] std::optional<StunTransactionId> stun_transaction(std::span<const std::byte> message);

// Verifies a response to `transaction` with the password of the side that answered.
[[nodiscard]] std::expected<BindingResponse, StunRefusal> parse_binding_response(
    std::span<const std::byte> message,
    const StunTransactionId& transaction,
    const IceCredentials& remote);

}  // namespace isthmus::media::transport
