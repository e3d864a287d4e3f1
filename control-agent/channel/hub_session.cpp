#include "control-agent/channel/hub_session.h"

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

constexpr std::size_t kNodeIdBytesMax = 64;

}  // namespace

HubSession::HubSession(const HubIdentity& identity,
                       std::int64_t now_unix_s,
                       RandomSource& random,
                       const ProtocolRange& protocols)
    : identity_(&identity),
      protocols_(protocols),
      heartbeat_s_(identity.heartbeat_s),
      unix_s_(now_unix_s),
      ephemeral_(ExchangeKey::generate(random)),
      nonce_(random_bytes(random, kNonceBytes)) {}

std::string HubSession::hello() const {
    return json::serialize(
        json::object{{"hello",
                      {{"protocols", internal::offer_of(protocols_)},
                       {"nonce", http::encode_base64url(nonce_)},
                       {"ephemeral", http::encode_base64url(ephemeral_.public_key().bytes())},
                       {"time", unix_s_}}}});
}

std::expected<NodeClaim, ChannelFault> HubSession::handle_authenticate(std::string_view text) {
    if (text.size() > kHandshakeBytesMax) {
        return std::unexpected(ChannelFault::kTooLong);
    }
    if (answered_) {
        return std::unexpected(ChannelFault::kUnexpected);
    }
    const auto message = parse_json(text, kHandshakeBytesMax);
    const json::value* claim = message ? find_field(*message, "authenticate") : nullptr;
    if (claim == nullptr) {
        return std::unexpected(ChannelFault::kMalformed);
    }
    const auto protocol = integer_field(*claim, "protocol");
    if (!protocol) {
        return std::unexpected(ChannelFault::kMalformed);
    }
    protocol_ = *protocol;
    if (!protocols_.has(protocol_)) {
        return std::unexpected(ChannelFault::kProtocolUnknown);
    }
    auto node = text_field(*claim, "node");
    auto certificate = text_field(*claim, "certificate");
    auto nonce = bytes_field(*claim, "nonce", kNonceBytes);
    const auto ephemeral = exchange_key_field(*claim, "ephemeral");
    auto signature = bytes_field(*claim, "signature", kSignatureBytes);
    if (!node || node->empty() || node->size() > kNodeIdBytesMax || !certificate || !nonce ||
        !ephemeral || !signature) {
        return std::unexpected(ChannelFault::kMalformed);
    }
    answered_ = true;
    agent_ephemeral_ = *ephemeral;
    agent_nonce_ = std::move(*nonce);
    signature_ = std::move(*signature);
    node_ = *node;
    return NodeClaim{.node = std::move(*node), .certificate = std::move(*certificate)};
}

bool HubSession::signed_by(const PublicKey& node_key) const {
    // Both, so that nobody on the way can talk the two into an older version than they have.
    const std::string offer = json::serialize(internal::offer_of(protocols_));
    const std::string chosen = std::to_string(protocol_);
    // The node names the newest of our keys that it knows.
    return std::ranges::any_of(identity_->links, [&](const HubKeyLink& link) {
        return node_key.verify(internal::kAgentLabel,
                               {nonce_,
                                ephemeral_.public_key().bytes(),
                                agent_nonce_,
                                agent_ephemeral_.bytes(),
                                link.key.fingerprint(),
                                offer,
                                chosen},
                               signature_);
    });
}

std::expected<std::string, ChannelFault> HubSession::accept(const PublicKey& node_key) {
    if (!answered_ || writer_) {
        return std::unexpected(ChannelFault::kUnexpected);
    }
    if (!signed_by(node_key)) {
        return std::unexpected(ChannelFault::kBadSignature);
    }
    const auto secret = ephemeral_.agree(agent_ephemeral_);
    if (!secret) {
        return std::unexpected(ChannelFault::kWeakKey);
    }
    const auto derived = internal::derive_keys(*secret, agent_nonce_, nonce_);
    writer_.emplace(derived.from_hub);
    reader_.emplace(derived.from_agent);
    const Bytes signature = identity_->key.sign(internal::kHubLabel,
                                                {agent_nonce_,
                                                 agent_ephemeral_.bytes(),
                                                 nonce_,
                                                 ephemeral_.public_key().bytes(),
                                                 node_,
                                                 std::to_string(unix_s_)});
    return json::serialize(
        json::object{{"welcome",
                      {{"key", http::encode_base64url(identity_->key.public_key().bytes())},
                       {"signature", http::encode_base64url(signature)},
                       {"heartbeat_s", heartbeat_s_},
                       {"keys", write_hub_keys(identity_->links)}}}});
}

std::string HubSession::refuse(std::string_view reason, bool renew) const {
    return json::serialize(json::object{{"refused", {{"reason", reason}, {"renew", renew}}}});
}

std::string HubSession::seal(std::string_view message) {
    CHECK(writer_.has_value());
    return writer_->seal(message);
}

std::expected<std::string, ChannelFault> HubSession::open(std::string_view frame) {
    if (!reader_) {
        return std::unexpected(ChannelFault::kUnexpected);
    }
    return reader_->open(frame);
}

}  // namespace isthmus::channel
