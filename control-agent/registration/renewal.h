// A new certificate for a node whose own ran out: the node proves that it still has its key. (One
// that is still good is renewed on the channel.)
//
// On one io_context's thread.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "base/http/connect_config.h"
#include "base/random.h"
#include "control-agent/channel/enrollment.h"
#include "control-agent/channel/hub_trust.h"
#include "control-agent/registration/hub_http.h"
#include "control-agent/registration/node_identity.h"

namespace isthmus::registration {

// Two thirds of the certificate's time are over. A certificate that cannot be read is renewed too.
[[nodiscard]] bool renewal_due(const std::string& certificate_pem, std::int64_t now_unix_s);

// Takes over a certificate that the hub sent on the channel: kInvalidArgument where it is not over
// this node's key and name.
[[nodiscard]] Result<void> take_certificate(NodeIdentity& identity, const std::string& pem);

class Renewal {
  public:
    // The identity with its new certificate and what was learnt of the hub's keys; not yet stored.
    using Answer = std::move_only_function<void(std::expected<NodeIdentity, HubFault>)>;

    // `random` outlives it.
    [[nodiscard]] static Result<std::unique_ptr<Renewal>> make(boost::asio::io_context& io,
                                                               RandomSource& random,
                                                               NodeIdentity identity,
                                                               const http::ConnectConfig& connect);

    // Once.
    void start(Answer answer);

  private:
    Renewal(RandomSource& random, NodeIdentity identity)
        : random_(&random), identity_(std::move(identity)), trust_(identity_.trust()) {}

    void prove(const channel::EnrollmentHello& hello);

    RandomSource* random_;
    NodeIdentity identity_;
    channel::HubTrust trust_;
    std::unique_ptr<HubHttp> hub_;
    Answer answer_;
};

}  // namespace isthmus::registration
