// People whom an identity provider knows, linked by issuer and subject and by nothing else: an
// e-mail address or a name that two have says nothing. Functions over a transaction.
//
// What the provider said of somebody has no effect before the code for it is redeemed by the
// program that began the sign-in: nobody can make another's browser sign in for him.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "base/error.h"
#include "tools/hub/tenancy/context.h"
#include "tools/hub/tenancy/people.h"

namespace isthmus::hub::oidc {

// People may carry a code from a browser to a terminal.
inline constexpr std::int64_t kCodeSeconds = 300;

// Whom a provider has vouched for.
struct Vouched {
    std::string organisation;
    std::string issuer;
    std::string subject;
    std::string name;
    Role role = Role::kSupport;
};

// A code for it, good once; `challenge`: of whom it is for (RFC 7636).
[[nodiscard]] std::string add_sign_in_code(const Context& context,
                                           const Vouched& vouched,
                                           const std::string& challenge);

struct Redemption {
    std::string code;
    std::string verifier;
    // A person of the same organisation who is logged in and wants this identity as well; empty:
    // the linked person signs in, who is made where there is none.
    std::string link_to{};
};

// A session of the person's, whose role is what the provider said. What failed is a value: the code
// is used up all the same.
[[nodiscard]] std::expected<Login, Error> redeem_sign_in_code(const Context& context,
                                                              const Redemption& redemption);

// The provider knows them, and no rule lets them in: sessions that they have end.
void end_sessions_of_identity(const Context& context,
                              const std::string& organisation,
                              const std::string& issuer,
                              const std::string& subject);

// A sign-in that was refused, and why.
void record_refusal(const Context& context,
                    const std::string& organisation,
                    const std::string& subject,
                    const std::string& why);

void forget_sign_in_codes(const Context& context);

}  // namespace isthmus::hub::oidc
