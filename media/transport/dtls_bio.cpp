#include "media/transport/dtls_bio.h"

#include <algorithm>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/crypto.h>

#include "base/check.h"

namespace isthmus::media::transport {
namespace {

[[nodiscard]] DtlsBio& state_of(BIO* bio) {
    return *static_cast<DtlsBio*>(BIO_get_data(bio));
}

int read_datagram(BIO* bio, char* out, int size) {
    DtlsBio& state = state_of(bio);
    BIO_clear_retry_flags(bio);
    if (state.incoming.empty() || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t bytes = std::min(state.incoming.size(), static_cast<std::size_t>(size));
    std::memcpy(out, state.incoming.data(), bytes);
    state.incoming = {};  // the rest of a datagram that did not fit is gone
    return static_cast<int>(bytes);
}

int write_datagram(BIO* bio, const char* bytes, int size) {
    DtlsBio& state = state_of(bio);
    BIO_clear_retry_flags(bio);
    if (size > 0) {
        const auto* from = reinterpret_cast<const std::byte*>(bytes);
        state.sent.note({from, static_cast<std::size_t>(size)});
        state.queues.send({from, from + size});
    }
    return size;
}

long control(BIO* bio, int command, long /*number*/, void* pointer) {
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
            state_of(bio).openssl_deadline = static_cast<timeval*>(pointer);
            return 1;
        default:
            // Zero is needed for BIO_CTRL_GET_KTLS_SEND and _RECV and the other KTLS controls: any
            // other answer makes libssl 3.0 believe in kernel TLS and crash later.
            return 0;
    }
}

[[nodiscard]] BIO_METHOD* make_method() {
    BIO_METHOD* method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "isthmus datagrams");
    CHECK(method != nullptr);
    CHECK(BIO_meth_set_read(method, read_datagram) == 1);
    CHECK(BIO_meth_set_write(method, write_datagram) == 1);
    CHECK(BIO_meth_set_ctrl(method, control) == 1);
    return method;
}

}  // namespace

BIO* make_dtls_bio(DtlsBio& state) {
    // Made once, on first use by any thread, and kept: it is as good as a constant.
    static BIO_METHOD* const kMethod = make_method();
    BIO* bio = BIO_new(kMethod);
    if (bio != nullptr) {
        BIO_set_data(bio, &state);
        BIO_set_init(bio, 1);
    }
    return bio;
}

}  // namespace isthmus::media::transport
