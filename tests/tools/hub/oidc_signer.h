// A key of an identity provider, made in the test: its JWK, and tokens signed by it.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/http/x509.h"

namespace isthmus::hub::oidc {

class Signer {
  public:
    // "RS256", "ES256" or "EdDSA".
    Signer(std::string algorithm, std::string id);

    [[nodiscard]] boost::json::value jwk() const;
    [[nodiscard]] std::string jwks() const;  // a set of this one

    [[nodiscard]] std::string sign(const boost::json::value& claims) const;
    // With a header of the test's own.
    [[nodiscard]] std::string sign_as(const boost::json::value& header,
                                      const boost::json::value& claims) const;

  private:
    [[nodiscard]] std::string signature(std::string_view text) const;

    std::string algorithm_;
    std::string id_;
    http::KeyPtr key_;
};

}  // namespace isthmus::hub::oidc
