#include "media/transport/stun_message.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <netinet/in.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include "base/byte_order.h"

namespace isthmus::media::transport {
namespace {

// Comprehension-required attributes of a connectivity check and its answer; zero ends the list.
constexpr std::array<std::uint16_t, 8> kKnownAttributes = {STUN_ATTRIBUTE_USERNAME,
                                                           STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                                           STUN_ATTRIBUTE_ERROR_CODE,
                                                           STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES,
                                                           STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                                           STUN_ATTRIBUTE_PRIORITY,
                                                           STUN_ATTRIBUTE_USE_CANDIDATE,
                                                           0};

constexpr std::uint32_t kMagicCookie = 0x2112A442;  // RFC 8489 section 5
constexpr std::size_t kTransactionOffset = 8;

[[nodiscard]] const std::uint8_t* as_u8(std::span<const std::byte> bytes) {
    return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

[[nodiscard]] std::uint8_t* as_u8(std::span<std::byte> bytes) {
    return reinterpret_cast<std::uint8_t*>(bytes.data());
}

// libnice takes keys and messages as mutable pointers and does not write to them.
[[nodiscard]] std::uint8_t* unconst(const std::uint8_t* bytes) {
    return const_cast<std::uint8_t*>(bytes);
}

// One message and libnice's agent, which keeps transactions of requests of its own; we keep those
// ourselves, so an agent lives for one message only.
struct Work {
    // stun_agent_init() sets what it needs of the agent's 13 kB.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    Work() {
        // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): flags, joined as C does
        static constexpr auto kUsage = static_cast<StunAgentUsageFlags>(
            STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
        stun_agent_init(&agent, kKnownAttributes.data(), STUN_COMPATIBILITY_RFC5389, kUsage);
        message.agent = &agent;
    }

    explicit Work(std::span<std::byte> out) : Work() {
        message.buffer = as_u8(out);
        message.buffer_len = out.size();
    }

    // A message that was parsed before.
    explicit Work(std::span<const std::byte> parsed) : Work() {
        message.buffer = unconst(as_u8(parsed));
        message.buffer_len = parsed.size();
    }

    void set_key(std::string_view pwd) {
        message.key = unconst(reinterpret_cast<const std::uint8_t*>(pwd.data()));
        message.key_len = pwd.size();
    }

    // Adds MESSAGE-INTEGRITY and FINGERPRINT.
    [[nodiscard]] std::size_t finish(std::string_view pwd) {
        return stun_agent_finish_message(
            &agent, &message, reinterpret_cast<const std::uint8_t*>(pwd.data()), pwd.size());
    }

    StunAgent agent;
    StunMessage message{};
};

struct Expected {
    std::string username;
    std::string_view pwd;
};

// libnice's callback: gives the password where the user name is the right one.
// NOLINTNEXTLINE(readability-function-size): the parameters are libnice's
bool find_password(StunAgent* /*agent*/,
                   StunMessage* /*message*/,
                   std::uint8_t* username,
                   std::uint16_t username_len,
                   std::uint8_t** password,
                   std::size_t* password_len,
                   void* user_data) {
    const auto* expected = static_cast<const Expected*>(user_data);
    const std::string_view given(reinterpret_cast<const char*>(username), username_len);
    if (given != expected->username) {
        return false;
    }
    *password = unconst(reinterpret_cast<const std::uint8_t*>(expected->pwd.data()));
    *password_len = expected->pwd.size();
    return true;
}

[[nodiscard]] bool is_well_formed(std::span<const std::byte> message) {
    return message.size() >= STUN_MESSAGE_HEADER_LENGTH &&
           load_be32(message.data() + 4) == kMagicCookie &&
           stun_message_validate_buffer_length(as_u8(message), message.size(), true) ==
               static_cast<int>(message.size());
}

[[nodiscard]] sockaddr_storage to_sockaddr(const SocketAddress& address, socklen_t& bytes) {
    sockaddr_storage storage{};
    if (address.ip.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::memcpy(&v4.sin_addr, address.ip.bytes.data() + 12, 4);
        std::memcpy(&storage, &v4, sizeof v4);
        bytes = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&v6.sin6_addr, address.ip.bytes.data(), 16);
        std::memcpy(&storage, &v6, sizeof v6);
        bytes = sizeof v6;
    }
    return storage;
}

[[nodiscard]] std::optional<SocketAddress> from_sockaddr(const sockaddr_storage& storage) {
    SocketAddress address;
    if (storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &storage, sizeof v4);
        std::array<std::uint8_t, 4> octets{};
        std::memcpy(octets.data(), &v4.sin_addr, octets.size());
        address = {.ip = IpAddress::v4(octets), .port = ntohs(v4.sin_port)};
    } else if (storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &storage, sizeof v6);
        std::memcpy(address.ip.bytes.data(), &v6.sin6_addr, address.ip.bytes.size());
        address.port = ntohs(v6.sin6_port);
    } else {
        return std::nullopt;
    }
    return address;
}

// Starts a message in `work`; false where there is no room for a header.
[[nodiscard]] bool begin(Work& work, StunClass stun_class, const StunTransactionId& transaction) {
    // libnice counts the magic cookie as the first four bytes of the transaction id.
    std::array<std::byte, STUN_MESSAGE_TRANS_ID_LEN> id{};
    store_be32(id.data(), kMagicCookie);
    std::ranges::copy(transaction, id.begin() + 4);
    return stun_message_init(
        &work.message, stun_class, STUN_BINDING, reinterpret_cast<const std::uint8_t*>(id.data()));
}

[[nodiscard]] StunRefusal refusal_of(StunValidationStatus status) {
    return status == STUN_VALIDATION_UNAUTHORIZED ||
                   status == STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST
               ? StunRefusal::kUnauthenticated
               : StunRefusal::kMalformed;
}

[[nodiscard]] StunTransactionId transaction_of(std::span<const std::byte> message) {
    StunTransactionId id{};
    std::ranges::copy(message.subspan(kTransactionOffset, id.size()), id.begin());
    return id;
}

[[nodiscard]] bool append_ok(StunMessageReturn result) {
    return result == STUN_MESSAGE_RETURN_SUCCESS;
}

}  // namespace

std::expected<BindingRequest, StunRefusal> parse_binding_request(std::span<const std::byte> message,
                                                                 const IceCredentials& local,
                                                                 const IceCredentials& remote) {
    if (!is_well_formed(message) || message.size() > kStunBytesMax) {
        return std::unexpected(StunRefusal::kMalformed);
    }
    Work work(message);
    const StunClass stun_class = stun_message_get_class(&work.message);
    if (stun_message_get_method(&work.message) != STUN_BINDING) {
        return std::unexpected(StunRefusal::kMalformed);
    }
    if (stun_class != STUN_REQUEST) {
        return std::unexpected(stun_class == STUN_INDICATION ? StunRefusal::kIndication
                                                             : StunRefusal::kUnexpectedClass);
    }
    // RFC 8445 section 7.2.2: the receiver's ufrag first.
    Expected expected{.username = local.ufrag + ":" + remote.ufrag, .pwd = local.pwd};
    const StunValidationStatus status = stun_agent_validate(
        &work.agent, &work.message, as_u8(message), message.size(), find_password, &expected);
    if (status != STUN_VALIDATION_SUCCESS && status != STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE) {
        return std::unexpected(refusal_of(status));
    }
    BindingRequest request{.transaction = transaction_of(message)};
    request.priority = stun_usage_ice_conncheck_priority(&work.message);
    request.use_candidate = stun_usage_ice_conncheck_use_candidate(&work.message);
    request.peer_is_controlled =
        stun_message_has_attribute(&work.message, STUN_ATTRIBUTE_ICE_CONTROLLED);
    request.has_unknown_attributes = status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE;
    return request;
}

std::string_view binding_request_username(std::span<const std::byte> message) {
    if (!is_well_formed(message)) {
        return {};
    }
    const Work work(message);
    if (stun_message_get_class(&work.message) != STUN_REQUEST ||
        stun_message_get_method(&work.message) != STUN_BINDING) {
        return {};
    }
    std::uint16_t bytes = 0;
    const void* found = stun_message_find(&work.message, STUN_ATTRIBUTE_USERNAME, &bytes);
    return found == nullptr ? std::string_view{}
                            : std::string_view(static_cast<const char*>(found), bytes);
}

std::span<const std::byte> write_binding_success(std::span<const std::byte> request,
                                                 const IceCredentials& local,
                                                 const SocketAddress& mapped,
                                                 std::span<std::byte> out) {
    Work work(out);
    socklen_t address_bytes = 0;
    const sockaddr_storage address = to_sockaddr(mapped, address_bytes);
    if (!begin(work, STUN_RESPONSE, transaction_of(request)) ||
        !append_ok(stun_message_append_xor_addr(
            &work.message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address, address_bytes))) {
        return {};
    }
    return out.first(work.finish(local.pwd));
}

std::span<const std::byte> write_role_conflict(std::span<const std::byte> request,
                                               const IceCredentials& local,
                                               std::span<std::byte> out) {
    Work work(out);
    if (!begin(work, STUN_ERROR, transaction_of(request)) ||
        !append_ok(stun_message_append_error(&work.message, STUN_ERROR_ROLE_CONFLICT))) {
        return {};
    }
    return out.first(work.finish(local.pwd));
}

std::span<const std::byte> write_unknown_attributes(std::span<const std::byte> request,
                                                    const IceCredentials& local,
                                                    std::span<std::byte> out) {
    Work parsed(request);
    parsed.set_key(local.pwd);
    Work work(out);
    return out.first(stun_agent_build_unknown_attributes_error(
        &work.agent, &work.message, as_u8(out), out.size(), &parsed.message));
}

std::span<const std::byte> write_binding_request(const BindingRequestFields& fields,
                                                 const IceCredentials& local,
                                                 const IceCredentials& remote,
                                                 std::span<std::byte> out) {
    Work work(out);
    const std::string username = remote.ufrag + ":" + local.ufrag;
    const StunAttribute role =
        fields.controlling ? STUN_ATTRIBUTE_ICE_CONTROLLING : STUN_ATTRIBUTE_ICE_CONTROLLED;
    const bool written =
        begin(work, STUN_REQUEST, fields.transaction) &&
        append_ok(stun_message_append_bytes(
            &work.message, STUN_ATTRIBUTE_USERNAME, username.data(), username.size())) &&
        append_ok(stun_message_append32(&work.message, STUN_ATTRIBUTE_PRIORITY, fields.priority)) &&
        append_ok(stun_message_append64(&work.message, role, fields.tie_breaker)) &&
        (!fields.use_candidate ||
         append_ok(stun_message_append_flag(&work.message, STUN_ATTRIBUTE_USE_CANDIDATE)));
    if (!written) {
        return {};
    }
    return out.first(work.finish(remote.pwd));
}

std::optional<StunTransactionId> stun_transaction(std::span<const std::byte> message) {
    if (!is_well_formed(message)) {
        return std::nullopt;
    }
    return transaction_of(message);
}

std::expected<BindingResponse, StunRefusal> parse_binding_response(
    std::span<const std::byte> message,
    const StunTransactionId& transaction,
    const IceCredentials& remote) {
    if (!is_well_formed(message) || message.size() > kStunBytesMax) {
        return std::unexpected(StunRefusal::kMalformed);
    }
    Work work(message);
    const StunClass stun_class = stun_message_get_class(&work.message);
    if (stun_class != STUN_RESPONSE && stun_class != STUN_ERROR) {
        return std::unexpected(stun_class == STUN_INDICATION ? StunRefusal::kIndication
                                                             : StunRefusal::kUnexpectedClass);
    }
    if (transaction_of(message) != transaction) {
        return std::unexpected(StunRefusal::kMalformed);
    }
    // The request that libnice looks for, as if this agent had sent it.
    StunAgentSavedIds& saved = work.agent.sent_ids[0];
    saved = {};
    stun_message_id(&work.message, saved.id);
    saved.method = STUN_BINDING;
    saved.key = unconst(reinterpret_cast<const std::uint8_t*>(remote.pwd.data()));
    saved.key_len = remote.pwd.size();
    saved.valid = true;
    const StunValidationStatus status = stun_agent_validate(
        &work.agent, &work.message, as_u8(message), message.size(), nullptr, nullptr);
    if (status != STUN_VALIDATION_SUCCESS) {
        return std::unexpected(refusal_of(status));
    }
    BindingResponse response;
    if (stun_class == STUN_ERROR) {
        if (!append_ok(stun_message_find_error(&work.message, &response.error_code))) {
            return std::unexpected(StunRefusal::kMalformed);
        }
        return response;
    }
    sockaddr_storage address{};
    socklen_t address_bytes = sizeof address;
    if (append_ok(stun_message_find_xor_addr(
            &work.message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address, &address_bytes))) {
        response.mapped = from_sockaddr(address);
    }
    return response;
}

}  // namespace isthmus::media::transport
