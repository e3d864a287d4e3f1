#include "media/transport/dtls_handshake.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string_view>

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

// Our Finished as it was before `key` protected it.
[[nodiscard]] std::optional<DtlsFinished> read_finished(const DtlsTrafficKey& key,
                                                        std::span<const std::byte> sent) {
    const auto record = take_dtls_record(sent);
    std::array<std::byte, kDtlsNonceBytes + DtlsFinished{}.size() + kDtlsTagBytes> buffer{};
    if (!record || record->type != DtlsContentType::kHandshake) {
        return std::nullopt;
    }
    const auto content = open_dtls_record(key, *record, buffer);
    DtlsFinished finished{};
    if (!content || content->size() != finished.size()) {
        return std::nullopt;
    }
    std::ranges::copy(*content, finished.begin());
    return finished;
}

}  // namespace

void DtlsHandshake::SslDeleter::operator()(SSL* ssl) const {
    SSL_free(ssl);
}

DtlsHandshake::DtlsHandshake(const DtlsIdentity& identity,
                             DtlsRole role,
                             const Fingerprint& remote,
                             DtlsQueues& queues)
    : role_(role),
      check_{.promised = remote},
      queues_(queues),
      bio_(queues),
      ssl_(SSL_new(identity.context())) {
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

DtlsHandshake::~DtlsHandshake() {
    if (srtp_keys_) {
        OPENSSL_cleanse(&*srtp_keys_, sizeof *srtp_keys_);
    }
}

void DtlsHandshake::start(Instant now) {
    if (role_ == DtlsRole::kClient && !started_) {
        started_ = true;
        drive(now);
    }
}

void DtlsHandshake::handle_datagram(Instant now, std::span<const std::byte> datagram) {
    if (state_ != State::kRunning || !has_plausible_records(datagram)) {
        return;
    }
    bytes_ += datagram.size();
    if (bytes_ > kBytesMax) {
        fail();
        return;
    }
    keep_early(datagram);
    bio_.incoming = datagram;
    drive(now);
    bio_.incoming = {};
}

void DtlsHandshake::keep_early(std::span<const std::byte> datagram) {
    while (const auto record = take_dtls_record(datagram)) {
        if (record->epoch != 0 && early_.size() + record->bytes.size() <= kEarlyBytesMax) {
            early_.insert(early_.end(), record->bytes.begin(), record->bytes.end());
        }
    }
}

void DtlsHandshake::handle_timeout(Instant now) {
    if (now < deadline_) {
        return;
    }
    if (deadline_is_ours() && bio_.openssl_deadline != nullptr) {
        *bio_.openssl_deadline = {.tv_sec = 1, .tv_usec = 0};
    }
    ERR_clear_error();
    flight_sent_at_.reset();
    retransmit_after_ = std::min(2 * retransmit_after_, kRetransmitMax);
    deadline_ = now + retransmit_after_;
    if (DTLSv1_handle_timeout(ssl_.get()) < 0) {
        fail();
    }
}

void DtlsHandshake::drive(Instant now) {
    ERR_clear_error();
    const std::size_t queued = queues_.outgoing.size();
    const OSSL_HANDSHAKE_STATE before = SSL_get_state(ssl_.get());
    const int result = SSL_do_handshake(ssl_.get());
    if (flight_sent_at_ && SSL_get_state(ssl_.get()) != before) {
        rtt_ = rtt_ == Duration::zero() ? now - *flight_sent_at_ : rtt_;
        flight_sent_at_.reset();
    }
    if (result == 1) {
        // Without the check of the fingerprint there is no connection, whatever OpenSSL says.
        if (!check_.matched || !export_srtp_keys() || !hand_over()) {
            fail();
            return;
        }
        state_ = State::kDone;
        deadline_ = kNever;
    } else if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) {
        rearm(now, queues_.outgoing.size() > queued);
    } else {
        fail();
    }
    ERR_clear_error();
}

void DtlsHandshake::rearm(Instant now, bool sent) {
    if (!timer_runs(ssl_.get())) {
        deadline_ = kNever;
    } else if (sent) {
        retransmit_after_ = kRetransmitFirst;
        deadline_ = now + retransmit_after_;
        flight_sent_at_ = now;
    }
}

bool DtlsHandshake::export_srtp_keys() {
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
    srtp_keys_ = role_ == DtlsRole::kClient ? DtlsSrtpKeys{.local = client, .remote = server}
                                            : DtlsSrtpKeys{.local = server, .remote = client};
    return true;
}

bool DtlsHandshake::hand_over() {
    const auto keys = derive_dtls_traffic_keys(ssl_.get());
    if (!keys) {
        return false;
    }
    const bool is_server = role_ == DtlsRole::kServer;
    const DtlsTrafficKey& local = is_server ? keys->server : keys->client;
    // Also shows that the keys are those that OpenSSL uses.
    const auto finished = read_finished(local, bio_.sent.last_protected());
    if (!finished) {
        return false;
    }
    handover_.emplace(DtlsHandover{.local = local,
                                   .remote = is_server ? keys->client : keys->server,
                                   .next = bio_.sent.next(),
                                   .last_flight = std::nullopt});
    if (is_server) {
        handover_->last_flight = {.finished = *finished,
                                  .next_plain_sequence = bio_.sent.next_plain_sequence()};
    }
    return true;
}

void DtlsHandshake::fail() {
    ERR_clear_error();
    state_ = check_.mismatched ? State::kFingerprintMismatch : State::kFailed;
    deadline_ = kNever;
}

}  // namespace isthmus::media::transport
