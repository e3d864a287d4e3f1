#include "media/transport/dtls_verify.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace isthmus::media::transport {

int verify_dtls_peer(X509_STORE_CTX* store, void* /*unused*/) {
    auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* check = ssl == nullptr ? nullptr : static_cast<DtlsPeerCheck*>(SSL_get_app_data(ssl));
    if (check == nullptr) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    const auto actual = fingerprint_of(X509_STORE_CTX_get0_cert(store), check->promised.algorithm);
    check->matched = actual == check->promised;
    check->mismatched = !check->matched;
    // The error decides which alert the peer is told.
    X509_STORE_CTX_set_error(store,
                             check->matched ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return check->matched ? 1 : 0;
}

}  // namespace isthmus::media::transport
