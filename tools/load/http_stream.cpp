#include "tools/load/http_stream.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

namespace isthmus::load {

namespace {

[[nodiscard]] std::string text_of(int error) {
    return std::system_category().message(error);
}

[[nodiscard]] int int_of(std::size_t bytes) {
    return static_cast<int>(std::min<std::size_t>(bytes, INT_MAX));
}

[[nodiscard]] std::string tls_problem(const SSL* ssl, int error_number) {
    const long verified = ::SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) {
        return std::string("its certificate is not trusted (") +
               ::X509_verify_cert_error_string(verified) +
               "); name it with --tls-certificate, or take any with --tls-any";
    }
    if (const char* const reason = ::ERR_reason_error_string(::ERR_get_error())) {
        return std::string("TLS: ") + reason;
    }
    return error_number == 0 ? "it closed the connection" : text_of(error_number);
}

}  // namespace

void HttpStream::Free::operator()(SSL* ssl) const {
    ::SSL_free(ssl);
}

HttpStream::HttpStream(media::transport::FileDescriptor fd,
                       const TlsTrust* trust,
                       const std::string& host)
    : fd_(std::move(fd)),
      secure_(trust != nullptr),
      ssl_(trust == nullptr ? nullptr : trust->open(fd_.get(), host)) {}

HttpStream::Moved HttpStream::write(std::string_view bytes) {
    if (!secure_) {
        return judge_plain(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), true);
    }
    if (!ssl_) {
        problem_ = "TLS cannot begin";
        return {.state = StreamState::kFailed};
    }
    ::ERR_clear_error();
    return judge_secure(::SSL_write(ssl_.get(), bytes.data(), int_of(bytes.size())));
}

HttpStream::Moved HttpStream::read(std::span<char> into) {
    if (!secure_) {
        return judge_plain(::recv(fd_.get(), into.data(), into.size(), 0), false);
    }
    if (!ssl_) {
        problem_ = "TLS cannot begin";
        return {.state = StreamState::kFailed};
    }
    ::ERR_clear_error();
    return judge_secure(::SSL_read(ssl_.get(), into.data(), int_of(into.size())));
}

HttpStream::Moved HttpStream::judge_plain(std::ptrdiff_t moved, bool writing) {
    waits_for_room_ = false;
    if (moved > 0) {
        return {.bytes = static_cast<std::size_t>(moved)};
    }
    if (moved == 0) {
        return {.state = StreamState::kEnded};
    }
    // A socket that is still connecting has no peer yet.
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOTCONN) {
        waits_for_room_ = writing;
        return {.state = StreamState::kWaits};
    }
    problem_ = text_of(errno);
    return {.state = StreamState::kFailed};
}

HttpStream::Moved HttpStream::judge_secure(int moved) {
    const int error_number = moved > 0 ? 0 : errno;
    waits_for_room_ = false;
    if (moved > 0) {
        return {.bytes = static_cast<std::size_t>(moved)};
    }
    switch (::SSL_get_error(ssl_.get(), moved)) {
        case SSL_ERROR_WANT_READ:
            return {.state = StreamState::kWaits};
        case SSL_ERROR_WANT_WRITE:
            waits_for_room_ = true;
            return {.state = StreamState::kWaits};
        case SSL_ERROR_ZERO_RETURN:
            return {.state = StreamState::kEnded};
        case SSL_ERROR_SYSCALL:
            // The BIO of a socket that is still connecting.
            if (error_number == ENOTCONN) {
                waits_for_room_ = true;
                return {.state = StreamState::kWaits};
            }
            break;
        default:
            break;
    }
    problem_ = tls_problem(ssl_.get(), error_number);
    return {.state = StreamState::kFailed};
}

}  // namespace isthmus::load
