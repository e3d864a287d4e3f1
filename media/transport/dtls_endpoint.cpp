#include "media/transport/dtls_endpoint.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include "base/check.h"
#include "media/transport/dtls_records.h"

namespace isthmus::media::transport {
namespace {

// RFC 6347 section 4.2.4.1 proposes 1 s and allows less for real-time media. OpenSSL gives up after
// 12 retransmissions of one flight, 31 s with these figures.
constexpr Duration kRetransmitFirst = std::chrono::milliseconds(400);
constexpr Duration kRetransmitMax = std::chrono::milliseconds(3200);

// RFC 5764 section 4.2.
constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";

// Two AES-256 keys and two of the longest salts.
constexpr std::size_t kKeyingBytesMax = 92;

// The release that stopped giving the BIO the address of its deadline.
constexpr unsigned long kOpenSslHidesDeadline = 0x30200000UL;

[[nodiscard]] bool deadline_is_ours() {
    static const bool kOurs = OpenSSL_version_num() < kOpenSslHidesDeadline;
    return kOurs;
}

// What OpenSSL's own timer is set to when a flight leaves: never, or a little less than ours, so
// that it has run out when we ask.
constexpr unsigned kOpenSslNeverUs = 3'600'000'000U;
constexpr unsigned kOpenSslSoonUs = 200'000U;

unsigned openssl_timer_us(SSL* /*ssl*/, unsigned /*previous*/) {
    return deadline_is_ours() ? kOpenSslNeverUs : kOpenSslSoonUs;
}

[[nodiscard]] bool timer_runs(SSL* ssl) {
    timeval unused{};
    return DTLSv1_get_timeout(ssl, &unused) == 1;
}

[[nodiscard]] std::optional<SrtpProfile> selected_profile(SSL* ssl) {
    const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl);
    if (selected == nullptr) {
        return std::nullopt;
    }
    const auto* const found =
        std::ranges::find_if(kSrtpProfilesByPreference, [selected](SrtpProfile profile) {
            return static_cast<unsigned long>(profile) == selected->id;
        });
    return found == kSrtpProfilesByPreference.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

void DtlsEndpoint::SslDeleter::operator()(SSL* ssl) const {
    SSL_free(ssl);
}

DtlsEndpoint::DtlsEndpoint(std::shared_ptr<const DtlsIdentity> identity,
                           DtlsRole role,
                           const Fingerprint& remote)
    : identity_(std::move(identity)),
      role_(role),
      check_{.promised = remote},
      ssl_(SSL_new(identity_->context())) {
    BIO* bio = make_dtls_bio(bio_);
    // No memory is all that can go wrong here.
    CHECK(ssl_ != nullptr && bio != nullptr);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), &check_);
    SSL_set_mtu(ssl_.get(), static_cast<long>(kMtuBytes));
    DTLS_set_timer_cb(ssl_.get(), openssl_timer_us);
    if (role_ == DtlsRole::kServer) {
        SSL_set_accept_state(ssl_.get());
    } else {
        SSL_set_connect_state(ssl_.get());
    }
}

DtlsEndpoint::~DtlsEndpoint() {
    if (keys_) {
        OPENSSL_cleanse(&*keys_, sizeof *keys_);
    }
}

void DtlsEndpoint::start(Instant now) {
    if (role_ == DtlsRole::kClient && !started_) {
        started_ = true;
        drive(now);
    }
}

void DtlsEndpoint::handle_datagram(Instant now, std::span<const std::byte> datagram) {
    if (datagram.empty() || datagram.size() > kDatagramBytesMax ||
        !has_plausible_records(datagram)) {
        return;
    }
    if (state_ == DtlsState::kHandshaking) {
        handshake_bytes_ += datagram.size();
        if (handshake_bytes_ > kHandshakeBytesMax) {
            fail();
            return;
        }
    }
    bio_.incoming = datagram;
    drive(now);
    bio_.incoming = {};
}

void DtlsEndpoint::handle_timeout(Instant now) {
    if (now < deadline_) {
        return;
    }
    if (deadline_is_ours() && bio_.openssl_deadline != nullptr) {
        *bio_.openssl_deadline = {.tv_sec = 1, .tv_usec = 0};
    }
    ERR_clear_error();
    SSL_alloc_buffers(ssl_.get());
    flight_sent_at_.reset();
    retransmit_after_ = std::min(2 * retransmit_after_, kRetransmitMax);
    deadline_ = now + retransmit_after_;
    if (DTLSv1_handle_timeout(ssl_.get()) < 0) {
        fail();
    }
}

void DtlsEndpoint::drive(Instant now) {
    ERR_clear_error();
    if (state_ == DtlsState::kHandshaking) {
        handshake(now);
    }
    if (state_ == DtlsState::kConnected) {
        SSL_alloc_buffers(ssl_.get());
        read_records();
        // 33 KiB of record buffers; what is left to say is the goodbye.
        SSL_free_buffers(ssl_.get());
    }
    ERR_clear_error();
}

void DtlsEndpoint::handshake(Instant now) {
    const std::size_t queued = bio_.outgoing.size();
    const OSSL_HANDSHAKE_STATE before = SSL_get_state(ssl_.get());
    const int result = SSL_do_handshake(ssl_.get());
    if (flight_sent_at_ && SSL_get_state(ssl_.get()) != before) {
        rtt_ = rtt_ == Duration::zero() ? now - *flight_sent_at_ : rtt_;
        flight_sent_at_.reset();
    }
    if (result == 1) {
        // Without the check of the fingerprint there is no connection, whatever OpenSSL says.
        if (!check_.matched || !export_keys()) {
            fail();
            return;
        }
        state_ = DtlsState::kConnected;
        deadline_ = kNever;
        return;
    }
    if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
        fail();
        return;
    }
    rearm(now, bio_.outgoing.size() > queued);
}

void DtlsEndpoint::rearm(Instant now, bool sent) {
    if (!timer_runs(ssl_.get())) {
        deadline_ = kNever;
    } else if (sent) {
        retransmit_after_ = kRetransmitFirst;
        deadline_ = now + retransmit_after_;
        flight_sent_at_ = now;
    }
}

void DtlsEndpoint::read_records() {
    // A repeated last flight of the peer is answered by OpenSSL itself.
    std::array<std::byte, kDatagramBytesMax> data{};
    for (;;) {
        const int bytes = SSL_read(ssl_.get(), data.data(), static_cast<int>(data.size()));
        if (bytes > 0) {
            if (received_.size() < kApplicationRecordsMax) {
                received_.push({data.begin(), data.begin() + bytes});
            }
            continue;
        }
        switch (SSL_get_error(ssl_.get(), bytes)) {
            case SSL_ERROR_WANT_READ:
                return;
            case SSL_ERROR_ZERO_RETURN:
                SSL_shutdown(ssl_.get());
                state_ = DtlsState::kClosed;
                return;
            default:
                fail();
                return;
        }
    }
}

void DtlsEndpoint::close() {
    if (state_ == DtlsState::kConnected) {
        ERR_clear_error();
        SSL_alloc_buffers(ssl_.get());
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
    if (state_ == DtlsState::kHandshaking || state_ == DtlsState::kConnected) {
        state_ = DtlsState::kClosed;
    }
    deadline_ = kNever;
}

bool DtlsEndpoint::send_application_data(std::span<const std::byte> data) {
    if (state_ != DtlsState::kConnected || data.empty() || data.size() > kApplicationBytesMax ||
        bio_.outgoing.size() >= DtlsBio::kOutgoingMax) {
        return false;
    }
    ERR_clear_error();
    SSL_alloc_buffers(ssl_.get());
    const int written = SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size()));
    SSL_free_buffers(ssl_.get());
    ERR_clear_error();
    return written > 0;
}

std::optional<std::vector<std::byte>> DtlsEndpoint::poll_application_data() {
    return received_.pop();
}

std::optional<std::vector<std::byte>> DtlsEndpoint::poll_datagram() {
    return bio_.outgoing.pop();
}

bool DtlsEndpoint::export_keys() {
    const auto profile = selected_profile(ssl_.get());
    if (!profile) {
        return false;
    }
    const SrtpProfileSizes sizes = sizes_of(*profile);
    const std::size_t key_bytes = sizes.key_bytes;
    const std::size_t salt_bytes = sizes.salt_bytes;
    // Client key, server key, client salt, server salt (RFC 5764 section 4.2).
    std::array<unsigned char, kKeyingBytesMax> material{};
    if (SSL_export_keying_material(ssl_.get(),
                                   material.data(),
                                   2 * (key_bytes + salt_bytes),
                                   kExporterLabel.data(),
                                   kExporterLabel.size(),
                                   nullptr,
                                   0,
                                   0) != 1) {
        return false;
    }
    SrtpMasterKey client{.profile = *profile};
    SrtpMasterKey server{.profile = *profile};
    const unsigned char* from = material.data();
    std::memcpy(client.key.data(), from, key_bytes);
    std::memcpy(server.key.data(), from + key_bytes, key_bytes);
    std::memcpy(client.salt.data(), from + 2 * key_bytes, salt_bytes);
    std::memcpy(server.salt.data(), from + 2 * key_bytes + salt_bytes, salt_bytes);
    OPENSSL_cleanse(material.data(), material.size());
    keys_ = role_ == DtlsRole::kClient ? DtlsSrtpKeys{.local = client, .remote = server}
                                       : DtlsSrtpKeys{.local = server, .remote = client};
    return true;
}

void DtlsEndpoint::fail() {
    ERR_clear_error();
    state_ = check_.mismatched ? DtlsState::kFingerprintMismatch : DtlsState::kFailed;
    deadline_ = kNever;
}

}  // namespace isthmus::media::transport
