// An organisation's identity provider, and whether passwords still count beside it. Functions over
// a transaction.
//
// The client's secret lies encrypted under the master key, and is shown to nobody again.
#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/oidc/role_mapping.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub::oidc {

struct Provider {
    std::string organisation;
    std::string issuer;
    std::string client_id;
    std::string client_secret;  // empty: a public client
    std::string scopes;
    RoleMapping mapping;
};

// Where the provider sends browsers back to; what is registered there. One for each organisation,
// so that one's provider cannot pass an answer of another's for its own (RFC 9700 section 4.4.2.2).
[[nodiscard]] std::string redirect_uri(const std::string& hub_url, const std::string& organisation);

// The caller's organisation's, without the secret. kNotFound where it has none.
[[nodiscard]] Result<boost::json::value> show_provider(const Context& context,
                                                       const std::string& hub_url);
// {"issuer","clientId","clientSecret","scopes":[..],"mapping":{..}}. Without "clientSecret" the one
// before stays, as long as issuer and client do; null is none. Who signed in through the one before
// signs in again.
[[nodiscard]] Result<void> put_provider(const Context& context, const boost::json::value& body);
// Passwords count again for everybody who has one.
[[nodiscard]] Result<void> remove_provider(const Context& context);

// {"mode":"on"} or {"mode":"emergency","administrator":id or name}: then only that one has a
// password that counts. It is a full administrator who is linked to nobody at the provider.
[[nodiscard]] Result<void> set_passwords(const Context& context, const boost::json::value& body);

// For a sign-in: the organisation's id for its id or name; "" where the hub has one provider only.
// kNotFound, the same for organisations that are not there and those without a provider.
[[nodiscard]] Result<Provider> find_provider(const Context& context, const std::string& id_or_name);

}  // namespace isthmus::hub::oidc
