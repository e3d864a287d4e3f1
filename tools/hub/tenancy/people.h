// The people of an organisation, and how they log in: password, then a one-time code where they
// have an authenticator; after some failures not at all for a while.
//
// Hashes are made elsewhere (HashThread): what takes long does not run in a transaction.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// After so many failures in a row an account is locked, each further one for twice as long.
inline constexpr std::int64_t kFailuresMax = 5;
inline constexpr std::int64_t kLockSeconds = 60;
inline constexpr std::int64_t kLockSecondsMax = 3600;

struct NewPerson {
    std::string name;  // what they log in with: an e-mail address, or any name
    Role role = Role::kReadOnly;
    bool is_operator = false;
    std::string password_hash;  // of the one-time password
};

[[nodiscard]] Result<std::string> add_person(const Context& context,
                                             const std::string& organisation,
                                             const NewPerson& person);
[[nodiscard]] boost::json::value list_people(const Context& context);
[[nodiscard]] Result<void> set_role(const Context& context, const std::string& id, Role role);
// The last full administrator stays, and the one for emergencies.
[[nodiscard]] Result<void> remove_person(const Context& context, const std::string& id);
// A new one-time password, for those who lost theirs; takes the authenticator away too.
[[nodiscard]] Result<void> reset_password(const Context& context,
                                          const std::string& id,
                                          const std::string& password_hash);

// For who signs in through an identity provider alone: the hash of no password.
[[nodiscard]] std::string no_password();
// Passwords of the organisation are switched off but for this person's.
[[nodiscard]] bool is_emergency_administrator(const Context& context,
                                              const std::string& organisation,
                                              const std::string& id);

// What a login needs to know before it computes a hash. Also for names that nobody has: with a hash
// that fits nothing, so that both take as long.
struct LoginAccount {
    std::string id;  // empty: nobody
    std::string organisation;
    std::string password_hash;
};

// kLimitExceeded while the account is locked.
[[nodiscard]] Result<LoginAccount> find_account(const Context& context, const std::string& name);

struct LoginAttempt {
    LoginAccount account;
    bool password_good = false;
    std::string code;               // of the authenticator; may be empty
    std::string new_password_hash;  // empty: keeps the old one
};

struct Login {
    std::string token;
    std::int64_t expires_s = 0;
};

enum class LoginRefusal : std::uint8_t {
    kWrong,            // name, password or code
    kCodeNeeded,       // there is an authenticator
    kPasswordExpired,  // a one-time password: a new one must come with it
    kPasswordsOff,     // right, and the organisation signs in through its identity provider
};

// What failed is counted, and is kept although nobody was let in.
[[nodiscard]] std::expected<Login, LoginRefusal> try_login(const Context& context,
                                                           const LoginAttempt& attempt);

// The caller's own account.
[[nodiscard]] Result<void> change_password(const Context& context,
                                           const std::string& new_password_hash);
[[nodiscard]] Result<std::string> own_password_hash(const Context& context);
// A secret that counts only once a code of it was shown; base32 and the URL for a QR code.
[[nodiscard]] Result<boost::json::value> offer_authenticator(const Context& context);
[[nodiscard]] Result<void> confirm_authenticator(const Context& context, const std::string& code);
[[nodiscard]] Result<void> remove_authenticator(const Context& context, const std::string& id);

}  // namespace isthmus::hub
