// The hub's way through an identity provider without sockets: its endpoints over a database in
// memory, a provider that the test scripts, a browser and an isthmusctl that are the test itself.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/http/message.h"
#include "base/random.h"
#include "tests/tools/hub/oidc_signer.h"
#include "tools/hub/api/oidc_endpoints.h"
#include "tools/hub/identity/master_key.h"
#include "tools/hub/store/database.h"
#include "tools/hub/tenancy/caller.h"
#include "tools/hub/tenancy/work.h"

namespace isthmus::hub::oidc {

// What a sign-in that was begun leads to.
struct Begun {
    std::string url;
    std::string state;
    std::string nonce;
};

class OidcUnderTest {
  public:
    OidcUnderTest();
    ~OidcUnderTest();

    static constexpr const char* kIssuer = "https://issuer.test";
    static constexpr const char* kVerifier = "a-verifier-of-more-than-forty-three-characters-1";
    static constexpr const char* kReturnTo = "http://127.0.0.1:4711/signed-in";

    // One request through the router, until it is answered.
    http::Response ask(const std::string& method,
                       const std::string& target,
                       const boost::json::value& body = nullptr,
                       const std::string& token = {});

    [[nodiscard]] Begun begin(const boost::json::object& more = {});
    // Where browsers come back to, with the query that follows.
    [[nodiscard]] std::string callback(const std::string& query) const;
    // The browser comes back with the provider's code: where it is sent, or the page.
    http::Response come_back(const Begun& begun);
    // Requests go to another instance of the hub from now on, on the same database.
    void go_to_another_instance();
    // All of it: the answer to the code.
    http::Response sign_in();
    http::Response redeem(const http::Response& redirect, const std::string& verifier = kVerifier);

    // A function of the hub, as the organisation's administrator.
    void run(const std::function<void(const Context&)>& job);
    // {"role","name"} of whom a session's token stands for, or null.
    boost::json::value who(const std::string& token);
    std::vector<std::string> audit();  // "action why"

    // The provider's: what it says of whoever signs in next, and by which key.
    boost::json::object claims = {{"sub", "s-1"}, {"preferred_username", "alice"}};
    boost::json::object userinfo;  // empty: no more than the subject
    Signer signer{"ES256", "k1"};
    std::string published_keys = signer.jwks();
    std::function<void(boost::json::object&)> spoil;  // changes the claims that are signed
    unsigned token_status = 200;
    int key_fetches = 0;
    std::string last_token_request;

    Caller administrator;
    std::int64_t now_ms = 1'800'000'000'000;

  private:
    [[nodiscard]] http::Response answer(const http::ClientRequest& request);
    void post(std::move_only_function<void()> job);
    void pump(const std::function<bool()>& done);

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::move_only_function<void()>> inbox_;
    SeededRandom random_{3};
    MasterKey master_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Work> work_;
    // Each lives on: answers may be under way to it.
    std::vector<std::unique_ptr<OidcEndpoints>> instances_;
    std::unique_ptr<http::Router> router_;
    std::string nonce_;  // of the sign-in that was begun last
};

// What stands behind "name=" in a URL's query.
[[nodiscard]] std::string query_field(const std::string& url, const std::string& name);

}  // namespace isthmus::hub::oidc
