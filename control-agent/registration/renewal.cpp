#include "control-agent/registration/renewal.h"

#include <utility>

#include "control-agent/channel/certificate.h"

namespace isthmus::registration {

bool renewal_due(const std::string& certificate_pem, std::int64_t now_unix_s) {
    const auto certificate = channel::read_certificate(certificate_pem);
    return !certificate || now_unix_s >= certificate->renew_at_unix_s();
}

Result<void> take_certificate(NodeIdentity& identity, const std::string& pem) {
    const auto certificate = channel::read_certificate(pem);
    if (!certificate || certificate->key != identity.key.public_key() ||
        certificate->node != identity.node) {
        return make_error(ErrorCode::kInvalidArgument,
                          "the hub sent a certificate that is not this node's");
    }
    identity.certificate = pem;
    return {};
}

Result<std::unique_ptr<Renewal>> Renewal::make(boost::asio::io_context& io,
                                               RandomSource& random,
                                               NodeIdentity identity,
                                               const http::ConnectConfig& connect) {
    std::unique_ptr<Renewal> renewal(
        new Renewal(random, std::move(identity)));  // NOLINT(*-owning-memory): private
    auto hub = HubHttp::make(io, renewal->identity_.hub_url, connect);
    if (!hub) {
        return std::unexpected(hub.error());
    }
    renewal->hub_ = std::move(*hub);
    return renewal;
}

void Renewal::start(Answer answer) {
    answer_ = std::move(answer);
    hub_->hello(trust_, *random_, [this](std::expected<channel::EnrollmentHello, HubFault> hello) {
        if (hello) {
            prove(*hello);
        } else {
            Answer last = std::move(answer_);
            last(std::unexpected(std::move(hello.error())));
        }
    });
}

void Renewal::prove(const channel::EnrollmentHello& hello) {
    hub_->post(
        "/v1/renew",
        channel::write_renew(identity_.key, hello, identity_.node, identity_.certificate),
        [this, hello](std::expected<std::string, HubFault> body) {
            Answer last = std::move(answer_);
            if (!body) {
                last(std::unexpected(std::move(body.error())));
                return;
            }
            auto enrolled = channel::read_enrolled(*body, hello, identity_.key.public_key());
            if (!enrolled) {
                last(std::unexpected(HubFault{.why = enrolled.error().message,
                                              .advice = "ask what is on the way to the hub"}));
                return;
            }
            identity_.certificate = std::move(enrolled->certificate);
            identity_.authorities = std::move(enrolled->authorities);
            identity_.take(trust_);
            last(std::move(identity_));
        });
}

}  // namespace isthmus::registration
