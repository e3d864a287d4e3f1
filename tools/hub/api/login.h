// POST /v1/login, and the change of one's own password: what needs a slow hash between two
// transactions.
#pragma once

#include <memory>
#include <string>

#include "base/http/message.h"
#include "tools/hub/identity/hash_thread.h"
#include "tools/hub/tenancy/work.h"

namespace isthmus::hub {

class LoginEndpoints {
  public:
    // Both outlive it.
    LoginEndpoints(Work& work, HashThread& hashes) : work_(&work), hashes_(&hashes) {}

    void add_routes(http::Router& router);

  private:
    struct Attempt;
    struct PasswordChange;

    void log_in(const http::Request& request, http::Responder respond);
    void check(const std::shared_ptr<Attempt>& attempt);
    void decide(const std::shared_ptr<Attempt>& attempt);

    void change_own_password(const http::Request& request, http::Responder respond);
    void check_change(const std::shared_ptr<PasswordChange>& change);

    Work* work_;
    HashThread* hashes_;
};

}  // namespace isthmus::hub
