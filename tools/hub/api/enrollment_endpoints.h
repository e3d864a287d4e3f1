// What a node asks over plain HTTPS before it has a channel: hello, enrolment, renewal. Anybody may
// call; each answer costs one signature or one transaction.
#pragma once

#include <functional>
#include <memory>

#include "base/http/message.h"
#include "tools/hub/fleet/enrollments.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/tenancy/work.h"

namespace isthmus::hub {

class EnrollmentEndpoints {
  public:
    // `work` outlives it.
    EnrollmentEndpoints(Work& work, std::function<std::shared_ptr<const Keyring>()> keyring)
        : work_(&work), keyring_(std::move(keyring)) {}

    void add_routes(http::Router& router);

  private:
    void hello(const http::Request& request, http::Responder respond);
    void enroll_node(const http::Request& request, http::Responder respond);
    void renew_node(const http::Request& request, http::Responder respond);

    template <typename Body>
    void run(const http::Request& request,
             http::Responder respond,
             Result<Body> body,
             EnrollmentOutcome (*step)(const Context&, const Keyring&, const Body&));

    Work* work_;
    std::function<std::shared_ptr<const Keyring>()> keyring_;
};

}  // namespace isthmus::hub
