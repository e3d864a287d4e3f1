// The hub's HTTPS API for people and scripts: docs/hub-openapi.yaml. Network thread; what an
// endpoint does runs in one transaction on the database's thread, and what follows from it (a node
// is woken, a channel cut) happens after the commit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/http/message.h"
#include "tools/hub/api/call.h"
#include "tools/hub/api/endpoint.h"
#include "tools/hub/identity/hash_thread.h"
#include "tools/hub/tenancy/work.h"

namespace isthmus::hub {

// What answers lead to outside the API.
struct ApiEffects {
    std::function<void(const std::string& node)> wake;
    std::function<void(const std::string& node)> cut;
    std::function<void()> reload_keys;
    std::function<std::shared_ptr<const Keyring>()> keyring;
};

struct ApiCounters {
    std::uint64_t calls = 0;
    std::uint64_t calls_failed = 0;  // 4xx and 5xx
};

class Api {
  public:
    // All but `url` outlive it. `url`: where nodes and people reach this hub.
    Api(Work& work, HashThread& hashes, ApiEffects effects, std::string url)
        : work_(&work), hashes_(&hashes), effects_(std::move(effects)), url_(std::move(url)) {}

    void add_routes(http::Router& router);

    [[nodiscard]] const ApiCounters& counters() const { return counters_; }

    void set_url(std::string url) { url_ = std::move(url); }

    [[nodiscard]] const std::string& url() const { return url_; }

  private:
    struct Pending {
        const Endpoint* endpoint = nullptr;
        CallerProof proof;
        ApiCall call;
        std::string one_time_password;
        http::Responder respond;
    };

    void handle(const Endpoint& endpoint, const http::Request& request, http::Responder respond);
    // A one-time password and its hash, then run().
    void make_password(const std::shared_ptr<Pending>& pending);
    void run(const std::shared_ptr<Pending>& pending);
    void finish(Pending& pending, Result<ApiAnswer> answer);

    Work* work_;
    HashThread* hashes_;
    ApiEffects effects_;
    std::string url_;
    ApiCounters counters_;
};

}  // namespace isthmus::hub
