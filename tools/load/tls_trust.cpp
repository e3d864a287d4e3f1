#include "tools/load/tls_trust.h"

#include <utility>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "media/transport/address.h"

namespace isthmus::load {

Result<TlsTrust> TlsTrust::make(const TlsTrustOptions& options) {
    TlsTrust trust(::SSL_CTX_new(::TLS_client_method()));
    if (trust.context_ == nullptr) {
        return make_error(ErrorCode::kUnavailable, "OpenSSL gives no context");
    }
    SSL_CTX* const context = trust.context_;
    // What is left of a request after a partial write is written from where it is by then.
    ::SSL_CTX_set_mode(context,
                       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (options.anybody) {
        return trust;
    }
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (options.certificate_file.empty()) {
        static_cast<void>(::SSL_CTX_set_default_verify_paths(context));
        return trust;
    }
    if (::SSL_CTX_load_verify_locations(context, options.certificate_file.c_str(), nullptr) != 1) {
        return make_error(ErrorCode::kInvalidArgument,
                          options.certificate_file + " holds no certificate in PEM");
    }
    // One that is no authority vouches for itself.
    ::X509_VERIFY_PARAM_set_flags(::SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    return trust;
}

TlsTrust::~TlsTrust() {
    ::SSL_CTX_free(context_);
}

TlsTrust::TlsTrust(TlsTrust&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}

TlsTrust& TlsTrust::operator=(TlsTrust&& other) noexcept {
    std::swap(context_, other.context_);
    return *this;
}

SSL* TlsTrust::open(int fd, const std::string& host) const {
    SSL* const ssl = ::SSL_new(context_);
    if (ssl == nullptr || ::SSL_set_fd(ssl, fd) != 1) {
        ::SSL_free(ssl);
        return nullptr;
    }
    // SPEC rfc6066#3: the name is sent where it is one.
    const bool named =
        media::transport::IpAddress::parse(host)
            ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str()) == 1
            : ::SSL_set1_host(ssl, host.c_str()) == 1 &&
                  ::SSL_ctrl(ssl,
                             SSL_CTRL_SET_TLSEXT_HOSTNAME,
                             TLSEXT_NAMETYPE_host_name,
                             const_cast<char*>(host.c_str())) == 1;
    if (!named) {
        ::SSL_free(ssl);
        return nullptr;
    }
    ::SSL_set_connect_state(ssl);
    return ssl;
}

}  // namespace isthmus::load
