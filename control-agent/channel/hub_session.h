// The hub's side of one connection: text frames in, text frames out. No socket, no clock, no
// database: the caller looks up the node between the agent's claim and the hub's answer.
//
//     HubSession session(hub, now_unix_s, random);     send(session.hello());
//     auto claim = session.handle_authenticate(text);  // who it says it is, unproven
//     ... look up the node, check its certificate ...
//     auto welcome = session.accept(node_key);  or  session.refuse(reason, renew)
//     then open() and seal()
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/hub_trust.h"
#include "control-agent/channel/protocol_range.h"
#include "control-agent/channel/session_frames.h"
#include "control-agent/channel/signing_key.h"

namespace isthmus::channel {

struct HubIdentity {
    SigningKey key;                 // the current one
    std::vector<HubKeyLink> links;  // all keys that still count, the oldest first, `key` the last
    std::int64_t heartbeat_s = 10;
};

struct NodeClaim {
    std::string node;
    std::string certificate;  // PEM, unchecked
};

class HubSession {
  public:
    // `identity` outlives the session. `protocols` other than this release's are for tests.
    HubSession(const HubIdentity& identity,
               std::int64_t now_unix_s,
               RandomSource& random,
               const ProtocolRange& protocols = kProtocols);

    // What the welcome says, instead of what the identity has.
    void use_heartbeat(std::int64_t seconds) { heartbeat_s_ = seconds; }

    [[nodiscard]] std::string hello() const;

    [[nodiscard]] std::expected<NodeClaim, ChannelFault> handle_authenticate(std::string_view text);

    // The signature must be of `node_key`, which the caller took from its database or from a
    // certificate that it checked. The welcome to send; the session is established.
    [[nodiscard]] std::expected<std::string, ChannelFault> accept(const PublicKey& node_key);
    [[nodiscard]] std::string refuse(std::string_view reason, bool renew) const;

    [[nodiscard]] bool established() const { return writer_.has_value(); }

    // That the agent chose, of those that were offered; 0 before it did. One that was not offered
    // is here after kProtocolUnknown.
    [[nodiscard]] std::int64_t protocol() const { return protocol_; }

    [[nodiscard]] std::string seal(std::string_view message);
    [[nodiscard]] std::expected<std::string, ChannelFault> open(std::string_view frame);

  private:
    [[nodiscard]] bool signed_by(const PublicKey& node_key) const;

    const HubIdentity* identity_;
    ProtocolRange protocols_;
    std::int64_t heartbeat_s_;
    std::int64_t unix_s_;
    ExchangeKey ephemeral_;
    Bytes nonce_;  // H
    // What the agent answered.
    bool answered_ = false;
    std::int64_t protocol_ = 0;
    ExchangePublicKey agent_ephemeral_;
    Bytes agent_nonce_;  // N
    Bytes signature_;
    std::string node_;
    std::optional<FrameWriter> writer_;
    std::optional<FrameReader> reader_;
};

}  // namespace isthmus::channel
