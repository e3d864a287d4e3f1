// Enrolment and renewal over HTTPS: the code that an administrator hands over, and what both sides
// say and prove. The transport is the caller's; the bodies are made and read here.
//
//   agent: GET /v1/enrollment/hello?nonce=N     hub: write_hello()      agent: read_hello()
//   agent: write_enroll()  POST /v1/enroll      hub: read_enroll(), check_enroll(),
//   write_enrolled() agent: read_enrolled()
//
// The code's secret never crosses the wire: the agent proves it by HMAC over the hub's nonce. The
// hub proves itself by a signature of the key whose fingerprint the code carries, so that neither a
// proxy that inspects TLS nor a wrong certificate can come between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/hub_trust.h"
#include "control-agent/channel/signing_key.h"

namespace isthmus::channel {

inline constexpr std::size_t kCodeSecretBytes = 16;
inline constexpr std::size_t kCodeBytesMax = 1024;
inline constexpr std::size_t kEnrollBytesMax = 16UL * 1024;
inline constexpr std::size_t kNameBytesMax = 253;  // a DNS name (RFC 1035 section 2.3.4)

// {"v":1,"u":..,"f":..,"i":..,"s":..} in base64url: one word to copy.
struct EnrollmentCode {
    std::string url;    // "https://host:port"
    Bytes fingerprint;  // of the hub's key
    std::string id;     // names the code
    Bytes secret;       // kCodeSecretBytes
};

[[nodiscard]] std::string write_code(const EnrollmentCode& code);
// kInvalidArgument with what is wrong: cut off, of another version, no code at all.
[[nodiscard]] Result<EnrollmentCode> read_code(std::string_view text);

// --- hello -----------------------------------------------------------------------------------

// {"key","nonce","signature","keys","time"}; `keys` are the links of the hub's earlier keys.
[[nodiscard]] std::string write_hello(const SigningKey& hub,
                                      std::span<const HubKeyLink> links,
                                      std::string_view agent_nonce,
                                      std::string_view hub_nonce,
                                      std::int64_t now_unix_s);

struct EnrollmentHello {
    PublicKey key;
    Bytes nonce;              // H
    std::int64_t unix_s = 0;  // the hub's clock, signed
};

// kPermissionDenied where the signature or the key is not that of the hub that `trust` names; what
// it learns of newer keys goes into `trust`.
[[nodiscard]] Result<EnrollmentHello> read_hello(std::string_view body,
                                                 std::string_view agent_nonce,
                                                 HubTrust& trust);

// --- enroll ----------------------------------------------------------------------------------

struct EnrollmentIdentity {
    std::string name;  // host name
    const SigningKey* key = nullptr;
    const ExchangeKey* sealing_key = nullptr;
    boost::json::object versions;  // program -> version
};

[[nodiscard]] std::string write_enroll(const EnrollmentCode& code,
                                       const EnrollmentHello& hello,
                                       const EnrollmentIdentity& identity);

struct EnrollmentRequest {
    std::string code;
    Bytes nonce;  // H, which the hub must have given out and not seen used
    std::string name;
    PublicKey key;
    ExchangePublicKey sealing_key;
    boost::json::object versions;
    Bytes proof;
    Bytes signature;
};

[[nodiscard]] Result<EnrollmentRequest> read_enroll(std::string_view body);
// The secret of the code and the possession of the key.
[[nodiscard]] bool proves_secret(const EnrollmentRequest& request, std::string_view secret);
[[nodiscard]] bool proves_key(const EnrollmentRequest& request);

struct Enrolled {
    std::string node;
    std::string cluster;
    std::string cluster_name;
    std::string organisation;
    std::string certificate;  // PEM
    std::string authorities;  // PEM of the hub's CA, or several
};

[[nodiscard]] std::string write_enrolled(const SigningKey& hub,
                                         std::string_view hub_nonce,
                                         const Enrolled& enrolled);
// kPermissionDenied where the hub's signature is wrong, kInvalidArgument where the certificate is
// not over our key.
[[nodiscard]] Result<Enrolled> read_enrolled(std::string_view body,
                                             const EnrollmentHello& hello,
                                             const PublicKey& node_key);

// --- renewal of a certificate that ran out ------------------------------------------------------

[[nodiscard]] std::string write_renew(const SigningKey& node_key,
                                      const EnrollmentHello& hello,
                                      std::string_view node,
                                      std::string_view certificate);

struct RenewalRequest {
    std::string node;
    Bytes nonce;
    std::string certificate;
    Bytes signature;

    [[nodiscard]] bool proves(const PublicKey& key) const;
};

[[nodiscard]] Result<RenewalRequest> read_renew(std::string_view body);
// The answer is that of enrolment: write_enrolled(), read_enrolled().

}  // namespace isthmus::channel
