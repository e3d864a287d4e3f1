// The few HTTPS calls that a node makes to its hub outside the channel: to enrol, and to renew a
// certificate that ran out.
//
// What is trusted is the hub's signature, not its TLS certificate: where only the latter is at
// fault (a hub with a certificate of its own, a proxy that inspects) it goes on and says so. On one
// io_context's thread.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/http/client.h"
#include "base/random.h"
#include "control-agent/channel/enrollment.h"
#include "control-agent/channel/hub_trust.h"

namespace isthmus::registration {

// Why a call failed and what to do about it, as sentences for whoever stands at the machine.
struct HubFault {
    std::string why;
    std::string advice;
    bool refused = false;  // the hub itself said no
};

class HubHttp {
  public:
    using HelloAnswer =
        std::move_only_function<void(std::expected<channel::EnrollmentHello, HubFault>)>;
    using BodyAnswer = std::move_only_function<void(std::expected<std::string, HubFault>)>;

    [[nodiscard]] static Result<std::unique_ptr<HubHttp>> make(boost::asio::io_context& io,
                                                               const std::string& url,
                                                               const http::ConnectConfig& connect);
    HubHttp(const HubHttp&) = delete;
    HubHttp& operator=(const HubHttp&) = delete;
    ~HubHttp() = default;

    // GET /v1/enrollment/hello. `trust` outlives the call, and learns.
    void hello(channel::HubTrust& trust, RandomSource& random, HelloAnswer answer);
    void post(const std::string& path, std::string body, BodyAnswer answer);

    // What is wrong with the hub's TLS certificate; empty where nothing is, or nothing was asked.
    [[nodiscard]] const std::string& certificate_note() const { return *certificate_note_; }

  private:
    HubHttp() = default;
    [[nodiscard]] HubFault fault_of(const Error& error) const;

    std::string url_;
    bool proxied_ = false;
    std::shared_ptr<std::string> certificate_note_ = std::make_shared<std::string>();
    std::unique_ptr<http::Client> client_;
};

}  // namespace isthmus::registration
