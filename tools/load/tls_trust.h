// Whom isthmus-load believes to be the node over HTTPS: what the machine trusts, the certificate
// that the operator names (the one that a node made for itself, for instance), or anybody.
#pragma once

#include <string>

#include "base/error.h"

using SSL = struct ssl_st;
// NOLINTNEXTLINE(readability-identifier-naming): OpenSSL's name
using SSL_CTX = struct ssl_ctx_st;

namespace isthmus::load {

struct TlsTrustOptions {
    std::string
        certificate_file;  // PEM; also of one that is its own authority. Empty: the system's
    bool anybody = false;  // no check at all
};

class TlsTrust {
  public:
    [[nodiscard]] static Result<TlsTrust> make(const TlsTrustOptions& options);
    ~TlsTrust();
    TlsTrust(TlsTrust&& other) noexcept;
    TlsTrust& operator=(TlsTrust&& other) noexcept;
    TlsTrust(const TlsTrust&) = delete;
    TlsTrust& operator=(const TlsTrust&) = delete;

    // The client's end of a connection to `host`, a name or an address, over the socket `fd`. Null
    // where memory is out.
    [[nodiscard]] SSL* open(int fd, const std::string& host) const;

  private:
    explicit TlsTrust(SSL_CTX* context) : context_(context) {}

    SSL_CTX* context_ = nullptr;
};

}  // namespace isthmus::load
