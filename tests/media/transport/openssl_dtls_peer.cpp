#include "tests/media/transport/openssl_dtls_peer.h"

#include <array>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "media/transport/dtls_verify.h"

namespace isthmus::media::transport {
namespace {

constexpr unsigned kNeverUs = 3'600'000'000U;

struct CertificateDeleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

    void operator()(X509* certificate) const { X509_free(certificate); }
};

using Key = std::unique_ptr<EVP_PKEY, CertificateDeleter>;
using Certificate = std::unique_ptr<X509, CertificateDeleter>;

[[nodiscard]] Certificate make_certificate(EVP_PKEY* key) {
    Certificate certificate(X509_new());
    CHECK(certificate != nullptr);
    CHECK(ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) == 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    CHECK(X509_set_pubkey(certificate.get(), key) == 1);
    CHECK(X509_sign(certificate.get(), key, EVP_sha256()) > 0);
    return certificate;
}

int accept_anybody(X509_STORE_CTX* /*store*/, void* /*unused*/) {
    return 1;
}

}  // namespace

void OpenSslPeer::Deleter::operator()(SSL* ssl) const {
    SSL_free(ssl);
}

void OpenSslPeer::Deleter::operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
}

OpenSslPeer::OpenSslPeer(const OpenSslPeerOptions& options) : context_(SSL_CTX_new(DTLS_method())) {
    const Key key(options.certificate == CertificateKind::kRsa ? EVP_RSA_gen(2048)
                                                               : EVP_EC_gen("P-256"));
    const Certificate certificate = make_certificate(key.get());
    fingerprint_ = *fingerprint_of(certificate.get(), HashAlgorithm::kSha256);
    SSL_CTX* context = context_.get();
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, &accept_anybody, nullptr);
    CHECK(SSL_CTX_set_cipher_list(context, options.ciphers) == 1);
    CHECK(SSL_CTX_use_certificate(context, certificate.get()) == 1);
    CHECK(SSL_CTX_use_PrivateKey(context, key.get()) == 1);
    CHECK(SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM") == 0);

    ssl_.reset(SSL_new(context));
    BIO* bio = make_dtls_bio(bio_);
    CHECK(ssl_ != nullptr && bio != nullptr);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_mtu(ssl_.get(), 1200);
    DTLS_set_timer_cb(ssl_.get(), [](SSL* /*ssl*/, unsigned /*previous*/) { return kNeverUs; });
    if (options.role == DtlsRole::kClient) {
        SSL_set_connect_state(ssl_.get());
    } else {
        SSL_set_accept_state(ssl_.get());
    }
}

OpenSslPeer::~OpenSslPeer() = default;

void OpenSslPeer::handle_datagram(std::span<const std::byte> datagram) {
    bio_.incoming = datagram;
    drive();
    bio_.incoming = {};
}

void OpenSslPeer::drive() {
    ERR_clear_error();
    if (!connected_ && !failed_) {
        const int result = SSL_do_handshake(ssl_.get());
        connected_ = result == 1;
        failed_ = result != 1 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ;
    }
    if (connected_ && !failed_) {
        read_all();
    }
    ERR_clear_error();
}

void OpenSslPeer::read_all() {
    std::array<std::byte, 2048> buffer{};
    for (;;) {
        const int bytes = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (bytes > 0) {
            data_.push({buffer.begin(), buffer.begin() + bytes});
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), bytes);
        failed_ = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_ZERO_RETURN;
        return;
    }
}

bool OpenSslPeer::repeat_flight() {
    if (bio_.openssl_deadline == nullptr) {
        return false;
    }
    *bio_.openssl_deadline = {.tv_sec = 1, .tv_usec = 0};
    return DTLSv1_handle_timeout(ssl_.get()) == 1;
}

bool OpenSslPeer::write(std::span<const std::byte> data) {
    return SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size())) > 0;
}

void OpenSslPeer::send_close_notify() {
    SSL_shutdown(ssl_.get());
}

void OpenSslPeer::renegotiate() {
    ERR_clear_error();
    CHECK(SSL_renegotiate(ssl_.get()) == 1);
    SSL_do_handshake(ssl_.get());
    ERR_clear_error();
}

bool OpenSslPeer::told_goodbye() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

const char* OpenSslPeer::cipher() const {
    return SSL_get_cipher_name(ssl_.get());
}

}  // namespace isthmus::media::transport
