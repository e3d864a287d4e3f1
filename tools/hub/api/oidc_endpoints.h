// Signing in through an organisation's identity provider (OpenID Connect, authorization code with
// PKCE). Network thread; the hub is the provider's client, isthmusctl is the hub's:
//
//     isthmusctl                hub                      browser              provider
//     POST sign-ins  ------->   seals what it must know
//     opens the browser <----   the provider's address
//                                                        signs in  ------->
//                               GET callback   <-------  code
//                               code for tokens  --------------------------->
//                               ID token checked, a role found
//     code  <--------------------------------------------redirect to 127.0.0.1
//     POST tokens  --------->   a session
//
// What the provider says has no effect before the last step, which takes the secret of whoever took
// the first (docs/adr/0028).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/http/message.h"
#include "tools/hub/oidc/accounts.h"
#include "tools/hub/oidc/provider.h"
#include "tools/hub/oidc/provider_directory.h"
#include "tools/hub/oidc/providers.h"
#include "tools/hub/oidc/sign_in.h"
#include "tools/hub/tenancy/line_limit.h"
#include "tools/hub/tenancy/work.h"

namespace isthmus::hub {

struct OidcCounters {
    std::uint64_t begun = 0;
    std::uint64_t signed_in = 0;
    std::uint64_t refused = 0;  // by the provider, by a check, by the mapping
    std::uint64_t fetches = 0;  // of discovery documents and keys
    std::uint64_t fetches_failed = 0;
};

class OidcEndpoints {
  public:
    // `work` outlives it. `fetch` gives no answer after this has ended. `url`: the hub's, as
    // browsers reach it.
    OidcEndpoints(Work& work, oidc::Fetch fetch, std::function<std::string()> url);

    void add_routes(http::Router& router);

    [[nodiscard]] OidcCounters counters() const;

  private:
    struct Attempt;
    using AttemptPtr = std::shared_ptr<Attempt>;

    void begin(const http::Request& request, http::Responder respond);
    void send_to_provider(const AttemptPtr& attempt);

    void come_back(const http::Request& request, http::Responder respond);
    void exchange_code(const AttemptPtr& attempt);
    void check_token(const AttemptPtr& attempt, bool keys_anew);
    void ask_userinfo(const AttemptPtr& attempt);
    void give_code(const AttemptPtr& attempt);

    void redeem(const http::Request& request, http::Responder respond);

    // A call to the attempt's provider; refused where too many are under way.
    void call_provider(const AttemptPtr& attempt,
                       http::ClientRequest request,
                       http::Client::Answer done);

    // Notes why in the audit log, and says so to the browser.
    void refuse(const AttemptPtr& attempt, const std::string& why);

    Work* work_;
    oidc::Fetch fetch_;
    std::function<std::string()> url_;
    oidc::ProviderDirectory directory_;
    OidcCounters counters_;
    // Calls under way at providers, by organisation: one whose provider hangs holds up no other.
    std::map<std::string, std::size_t, std::less<>> calls_;
    // Refusals that the audit log keeps although no provider has vouched for anybody: strangers can
    // cause them.
    LineLimit strangers_refused_{30};
};

}  // namespace isthmus::hub
