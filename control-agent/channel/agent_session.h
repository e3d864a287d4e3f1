// The agent's side of one connection: text frames in, text frames out. No socket, no clock.
//
//     AgentSession session(identity, trust, random);
//     on frame:  if (!session.established()) { auto step = session.handle_handshake(text); ... }
//                else { auto message = session.open(text); ... parse_rpc(*message) }
//     to send:   socket.send(session.seal(write_rpc_call(...)));
//
// Any fault ends the connection; the agent makes another with a new session.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>

#include "base/random.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/hub_trust.h"
#include "control-agent/channel/protocol_range.h"
#include "control-agent/channel/session_frames.h"
#include "control-agent/channel/signing_key.h"

namespace isthmus::channel {

struct AgentIdentity {
    std::string node;
    std::string certificate;  // PEM
    const SigningKey* key = nullptr;
};

struct ChannelTerms {
    std::int64_t heartbeat_s = 10;
    // The hub's clock when it said hello; signed, so good for judging expiries by.
    std::int64_t hub_unix_s = 0;
    PublicKey hub_key;
    bool learnt_keys = false;  // trust changed: store it
};

struct ChannelRefusal {
    std::string reason;
    bool renew = false;  // the certificate ran out: POST /v1/renew
};

class AgentSession {
  public:
    // `identity.key`, `trust` and `random` outlive the session. `protocols` other than this
    // release's are for tests.
    AgentSession(AgentIdentity identity,
                 HubTrust& trust,
                 RandomSource& random,
                 const ProtocolRange& protocols = kProtocols);

    // Before established(): what the hub sent. An empty text: nothing to send back (the welcome).
    [[nodiscard]] std::expected<std::string, ChannelFault> handle_handshake(std::string_view text);

    [[nodiscard]] bool established() const { return writer_.has_value(); }

    [[nodiscard]] const ChannelTerms& terms() const { return terms_; }

    // The newest that both speak; 0 before the hello.
    [[nodiscard]] std::int64_t protocol() const { return protocol_; }

    // After kProtocolUnknown: what either side speaks, and which one is to be upgraded.
    [[nodiscard]] const std::string& protocol_sentence() const { return protocol_sentence_; }

    // After kRefused.
    [[nodiscard]] const ChannelRefusal& refusal() const { return refusal_; }

    // When established.
    [[nodiscard]] std::string seal(std::string_view message);
    [[nodiscard]] std::expected<std::string, ChannelFault> open(std::string_view frame);

  private:
    enum class State : std::uint8_t { kHello, kWelcome, kDone };

    [[nodiscard]] std::expected<std::string, ChannelFault> on_hello(std::string_view text);
    [[nodiscard]] bool choose_protocol(const boost::json::array& offered);
    [[nodiscard]] std::expected<std::string, ChannelFault> on_welcome(std::string_view text);

    AgentIdentity identity_;
    HubTrust* trust_;
    ProtocolRange protocols_;
    std::int64_t protocol_ = 0;
    std::string protocol_sentence_;
    ExchangeKey ephemeral_;
    Bytes nonce_;      // N
    Bytes hub_nonce_;  // H
    ExchangePublicKey hub_ephemeral_;
    State state_ = State::kHello;
    ChannelTerms terms_;
    ChannelRefusal refusal_;
    std::optional<FrameWriter> writer_;
    std::optional<FrameReader> reader_;
};

}  // namespace isthmus::channel
