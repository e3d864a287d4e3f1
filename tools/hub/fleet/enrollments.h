// Codes for new nodes, and what becomes of them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "control-agent/channel/enrollment.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

inline constexpr std::int64_t kCodeMinutes = 60;
inline constexpr std::int64_t kCodeMinutesMax = std::int64_t{7} * 24 * 60;

struct CodeRequest {
    std::string cluster;  // id or name
    std::int64_t minutes = kCodeMinutes;
    std::string url;  // where nodes reach this hub
};

// {"id","code","expires"}: the code is shown this once.
[[nodiscard]] Result<boost::json::value> add_code(const Context& context,
                                                  const Keyring& keyring,
                                                  const CodeRequest& request);
[[nodiscard]] boost::json::value list_codes(const Context& context);
[[nodiscard]] Result<void> remove_code(const Context& context, const std::string& id);

// What a node that failed is told: the step, and what to do.
struct EnrollmentFailure {
    std::string step;  // request, nonce, code, proof, quota
    Error error;
};

// A failure is an outcome, not the database's fault: it comes back as a value.
using EnrollmentOutcome = std::expected<std::string, EnrollmentFailure>;

// The answer's body; the code is used up.
[[nodiscard]] EnrollmentOutcome enroll(const Context& context,
                                       const Keyring& keyring,
                                       const channel::EnrollmentRequest& request);

// A new certificate for a node that proves its key; the one that it has may have run out.
[[nodiscard]] EnrollmentOutcome renew(const Context& context,
                                      const Keyring& keyring,
                                      const channel::RenewalRequest& request);

// Codes that ended a day ago.
void forget_codes(const Context& context);

}  // namespace isthmus::hub
