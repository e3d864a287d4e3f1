#include "control-agent/channel/agent_session.h"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "base/http/base64url.h"
#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/session_statements.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::int64_t kHeartbeatMinSeconds = 1;
constexpr std::int64_t kHeartbeatMaxSeconds = 3600;
constexpr std::size_t kReasonBytesMax = 512;

}  // namespace

AgentSession::AgentSession(AgentIdentity identity,
                           HubTrust& trust,
                           RandomSource& random,
                           const ProtocolRange& protocols)
    : identity_(std::move(identity)),
      trust_(&trust),
      protocols_(protocols),
      ephemeral_(ExchangeKey::generate(random)),
      nonce_(random_bytes(random, kNonceBytes)) {}

std::expected<std::string, ChannelFault> AgentSession::handle_handshake(std::string_view text) {
    if (text.size() > kHandshakeBytesMax) {
        return std::unexpected(ChannelFault::kTooLong);
    }
    switch (state_) {
        case State::kHello:
            return on_hello(text);
        case State::kWelcome:
            return on_welcome(text);
        case State::kDone:
            break;
    }
    return std::unexpected(ChannelFault::kUnexpected);
}

std::expected<std::string, ChannelFault> AgentSession::on_hello(std::string_view text) {
    const auto message = parse_json(text, kHandshakeBytesMax);
    const json::value* hello = message ? find_field(*message, "hello") : nullptr;
    if (hello == nullptr) {
        return std::unexpected(ChannelFault::kMalformed);
    }
    auto nonce = bytes_field(*hello, "nonce", kNonceBytes);
    const auto ephemeral = exchange_key_field(*hello, "ephemeral");
    const auto time = integer_field(*hello, "time");
    const json::value* const list = find_field(*hello, "protocols");
    const json::array* const offered = list != nullptr ? list->if_array() : nullptr;
    if (!nonce || !ephemeral || !time || offered == nullptr) {
        return std::unexpected(ChannelFault::kMalformed);
    }
    if (!choose_protocol(*offered)) {
        return std::unexpected(ChannelFault::kProtocolUnknown);
    }
    hub_nonce_ = std::move(*nonce);
    hub_ephemeral_ = *ephemeral;
    terms_.hub_unix_s = *time;
    state_ = State::kWelcome;
    // The hub that we mean: a hub that has another key does not get an answer that fits.
    const Bytes fingerprint =
        trust_->fingerprints().empty() ? Bytes() : trust_->fingerprints().back();
    const Bytes signature = identity_.key->sign(internal::kAgentLabel,
                                                {hub_nonce_,
                                                 hub_ephemeral_.bytes(),
                                                 nonce_,
                                                 ephemeral_.public_key().bytes(),
                                                 fingerprint,
                                                 json::serialize(*offered),
                                                 std::to_string(protocol_)});
    return json::serialize(
        json::object{{"authenticate",
                      {{"protocol", protocol_},
                       {"node", identity_.node},
                       {"certificate", identity_.certificate},
                       {"nonce", http::encode_base64url(nonce_)},
                       {"ephemeral", http::encode_base64url(ephemeral_.public_key().bytes())},
                       {"signature", http::encode_base64url(signature)}}}});
}

bool AgentSession::choose_protocol(const json::array& offered) {
    std::optional<std::int64_t> hubs_newest;
    for (const json::value& one : offered) {
        const std::int64_t* const version = one.if_int64();
        if (version == nullptr) {
            continue;
        }
        hubs_newest = std::max(hubs_newest.value_or(*version), *version);
        if (protocols_.has(*version)) {
            protocol_ = std::max(protocol_, *version);
        }
    }
    if (protocol_ == 0) {
        protocol_sentence_ = "the hub speaks versions " + json::serialize(offered) +
                             " of the protocol, this agent " + protocols_.text() +
                             "; upgrade the " +
                             (hubs_newest.value_or(0) < protocols_.oldest ? "hub" : "agent");
    }
    return protocol_ != 0;
}

std::expected<std::string, ChannelFault> AgentSession::on_welcome(std::string_view text) {
    const auto message = parse_json(text, kHandshakeBytesMax);
    if (const json::value* refused = message ? find_field(*message, "refused") : nullptr) {
        refusal_.reason = text_field(*refused, "reason").value_or("").substr(0, kReasonBytesMax);
        refusal_.renew = bool_field(*refused, "renew").value_or(false);
        state_ = State::kDone;
        return std::unexpected(ChannelFault::kRefused);
    }
    const json::value* welcome = message ? find_field(*message, "welcome") : nullptr;
    if (welcome == nullptr) {
        return std::unexpected(ChannelFault::kMalformed);
    }
    const auto key = key_field(*welcome, "key");
    const auto signature = bytes_field(*welcome, "signature", kSignatureBytes);
    const json::value* keys = find_field(*welcome, "keys");
    const auto links = keys != nullptr ? parse_hub_keys(*keys) : std::nullopt;
    const auto heartbeat = integer_field(*welcome, "heartbeat_s");
    if (!key || !signature || !links || !heartbeat) {
        return std::unexpected(ChannelFault::kMalformed);
    }
    if (!key->verify(internal::kHubLabel,
                     {nonce_,
                      ephemeral_.public_key().bytes(),
                      hub_nonce_,
                      hub_ephemeral_.bytes(),
                      identity_.node,
                      std::to_string(terms_.hub_unix_s)},
                     *signature)) {
        return std::unexpected(ChannelFault::kBadSignature);
    }
    terms_.learnt_keys = trust_->learn(*links);
    if (!trust_->trusts(*key)) {
        return std::unexpected(ChannelFault::kUntrustedHub);
    }
    trust_->remember(*key);
    const auto secret = ephemeral_.agree(hub_ephemeral_);
    if (!secret) {
        return std::unexpected(ChannelFault::kWeakKey);
    }
    const auto derived = internal::derive_keys(*secret, nonce_, hub_nonce_);
    writer_.emplace(derived.from_agent);
    reader_.emplace(derived.from_hub);
    terms_.heartbeat_s = std::clamp(*heartbeat, kHeartbeatMinSeconds, kHeartbeatMaxSeconds);
    terms_.hub_key = *key;
    state_ = State::kDone;
    return std::string();
}

std::string AgentSession::seal(std::string_view message) {
    CHECK(writer_.has_value());
    return writer_->seal(message);
}

std::expected<std::string, ChannelFault> AgentSession::open(std::string_view frame) {
    CHECK(reader_.has_value());
    return reader_->open(frame);
}

}  // namespace isthmus::channel
