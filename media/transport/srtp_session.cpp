#include "media/transport/srtp_session.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <openssl/crypto.h>
#include <srtp2/srtp.h>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::transport {

namespace {

// Late packets are still wanted when a retransmission of a second ago arrives; at 1000 packets per
// second (a 10 Mbit/s video) that is 1024. RFC 3711 section 3.3.2 asks for at least 64.
constexpr unsigned long kReplayWindowPackets = 1024;

// Inbound streams that libsrtp keeps per connection. It makes one for every SSRC that authenticates
// and searches them one after another, so a peer that invents SSRCs must not make it grow.
constexpr std::size_t kInboundStreamsMax = 256;

constexpr std::size_t kRtpHeaderBytes = 12;
constexpr std::size_t kRtcpHeaderBytes = 8;  // up to and with the sender's SSRC
constexpr std::size_t kSrtcpIndexBytes = 4;  // RFC 3711 section 3.4

using SrtpPtr =
    std::unique_ptr<srtp_ctx_t, decltype([](srtp_ctx_t* context) { srtp_dealloc(context); })>;

void set_crypto_policy(SrtpProfile profile, srtp_crypto_policy_t& policy) {
    switch (profile) {
        case SrtpProfile::kAesCm128HmacSha1_80:
            srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy);
            return;
        case SrtpProfile::kAeadAes128Gcm:
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy);
            return;
        case SrtpProfile::kAeadAes256Gcm:
            srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy);
            return;
    }
    CHECK(false);
}

[[nodiscard]] Result<SrtpPtr> make_context(const SrtpMasterKey& master,
                                           srtp_ssrc_type_t direction) {
    const SrtpProfileSizes sizes = sizes_of(master.profile);
    std::array<unsigned char, sizeof master.key + sizeof master.salt> key{};
    std::memcpy(key.data(), master.key.data(), sizes.key_bytes);
    std::memcpy(key.data() + sizes.key_bytes, master.salt.data(), sizes.salt_bytes);

    srtp_policy_t policy{};
    set_crypto_policy(master.profile, policy.rtp);
    set_crypto_policy(master.profile, policy.rtcp);
    policy.ssrc.type = direction;
    policy.key = key.data();
    policy.window_size = kReplayWindowPackets;

    srtp_t context = nullptr;
    const srtp_err_status_t status = srtp_create(&context, &policy);
    OPENSSL_cleanse(key.data(), key.size());
    if (status != srtp_err_status_ok) {
        return make_error(ErrorCode::kUnavailable,
                          "libsrtp cannot use profile " + std::string(name_of(master.profile)) +
                              " (srtp_create gave status " + std::to_string(status) +
                              "): install a libsrtp2 that was built with a crypto library.");
    }
    return SrtpPtr(context);
}

// libsrtp made ready, and one context that stays: with the NSS back end the first context loads the
// whole library and the last one that goes unloads it, which takes 0.9 ms in place of 0.05 ms.
[[nodiscard]] const Result<SrtpPtr>& library() {
    static const Result<SrtpPtr> kKept = []() -> Result<SrtpPtr> {
        // A second srtp_init() in a process, whoever made the first, answers bad_param and does no
        // harm.
        const srtp_err_status_t status = srtp_init();
        if (status != srtp_err_status_ok && status != srtp_err_status_bad_param) {
            return make_error(ErrorCode::kUnavailable,
                              "libsrtp does not start: its self-tests fail on this machine "
                              "(srtp_init gave status " +
                                  std::to_string(status) + ").");
        }
        return make_context(SrtpMasterKey{}, ssrc_any_inbound);
    }();
    return kKept;
}

[[nodiscard]] SrtpError error_of(srtp_err_status_t status) {
    switch (status) {
        case srtp_err_status_auth_fail:
        // What the NSS back end answers when a GCM tag is wrong.
        case srtp_err_status_cipher_fail:
            return SrtpError::kAuthentication;
        case srtp_err_status_replay_fail:
        case srtp_err_status_replay_old:
        case srtp_err_status_pkt_idx_old:
            return SrtpError::kReplay;
        case srtp_err_status_bad_param:
        case srtp_err_status_parse_err:
        // An SRTCP packet that claims not to be encrypted.
        case srtp_err_status_cant_check:
            return SrtpError::kMalformed;
        default:
            return SrtpError::kOther;
    }
}

// Length of the RTP header with CSRCs and extension block; nothing where `packet` is no RTP or ends
// within it.
[[nodiscard]] std::optional<std::size_t> rtp_header_bytes(std::span<const std::byte> packet) {
    if (packet.size() < kRtpHeaderBytes || (load_u8(packet.data()) >> 6U) != 2) {
        return std::nullopt;
    }
    const std::uint8_t first = load_u8(packet.data());
    std::size_t bytes = kRtpHeaderBytes + std::size_t{4} * (first & 0x0FU);
    if ((first & 0x10U) != 0) {
        if (packet.size() < bytes + 4) {
            return std::nullopt;
        }
        bytes += 4 + std::size_t{4} * load_be16(packet.data() + bytes + 2);
    }
    if (packet.size() < bytes) {
        return std::nullopt;
    }
    return bytes;
}

}  // namespace

// The SSRCs for which libsrtp holds an inbound stream, so that the one that was silent longest can
// give way. A stream that comes back after that begins with roll-over counter 0.
class InboundStreams {
  public:
    // Call for each SSRC that authenticated.
    void note(std::uint32_t ssrc, srtp_t context) {
        ++uses_;
        for (std::size_t i = 0; i < count_; ++i) {
            if (ssrcs_[i] == ssrc) {
                last_use_[i] = uses_;
                return;
            }
        }
        const std::size_t place = count_ < kInboundStreamsMax ? count_++ : evict(context);
        ssrcs_[place] = ssrc;
        last_use_[place] = uses_;
    }

  private:
    [[nodiscard]] std::size_t evict(srtp_t context) {
        const auto oldest = std::ranges::min_element(last_use_);
        const auto place = static_cast<std::size_t>(oldest - last_use_.begin());
        const srtp_err_status_t status = srtp_remove_stream(context, htonl_of(ssrcs_[place]));
        CHECK(status == srtp_err_status_ok);
        return place;
    }

    // srtp_remove_stream wants network order.
    [[nodiscard]] static std::uint32_t htonl_of(std::uint32_t ssrc) {
        return load_be32(reinterpret_cast<const std::byte*>(&ssrc));
    }

    std::array<std::uint32_t, kInboundStreamsMax> ssrcs_{};
    std::array<std::uint64_t, kInboundStreamsMax> last_use_{};
    std::size_t count_ = 0;
    std::uint64_t uses_ = 0;
};

struct SrtpSession::State {
    SrtpPtr inbound;
    SrtpPtr outbound;
    std::size_t remote_tag_bytes = 0;
    InboundStreams streams;
};

Result<SrtpSession> SrtpSession::make(const SrtpMasterKey& remote, const SrtpMasterKey& local) {
    if (!library()) {
        return std::unexpected(library().error());
    }
    Result<SrtpPtr> inbound = make_context(remote, ssrc_any_inbound);
    if (!inbound) {
        return std::unexpected(std::move(inbound.error()));
    }
    Result<SrtpPtr> outbound = make_context(local, ssrc_any_outbound);
    if (!outbound) {
        return std::unexpected(std::move(outbound.error()));
    }
    auto state = std::make_unique<State>();
    state->inbound = std::move(*inbound);
    state->outbound = std::move(*outbound);
    state->remote_tag_bytes = sizes_of(remote.profile).tag_bytes;
    return SrtpSession(std::move(state));
}

SrtpSession::SrtpSession(std::unique_ptr<State> state) : state_(std::move(state)) {}

SrtpSession::SrtpSession(SrtpSession&&) noexcept = default;
SrtpSession& SrtpSession::operator=(SrtpSession&&) noexcept = default;
SrtpSession::~SrtpSession() = default;

std::expected<std::span<std::byte>, SrtpError> SrtpSession::unprotect_rtp(
    std::span<std::byte> packet) {
    const std::optional<std::size_t> header_bytes = rtp_header_bytes(packet);
    if (!header_bytes || packet.size() < *header_bytes + state_->remote_tag_bytes ||
        packet.size() > std::numeric_limits<std::uint16_t>::max()) {
        return std::unexpected(SrtpError::kMalformed);
    }
    const std::uint32_t ssrc = load_be32(packet.data() + 8);
    int bytes = static_cast<int>(packet.size());
    const srtp_err_status_t status = srtp_unprotect(state_->inbound.get(), packet.data(), &bytes);
    if (status != srtp_err_status_ok) {
        return std::unexpected(error_of(status));
    }
    state_->streams.note(ssrc, state_->inbound.get());
    return packet.first(static_cast<std::size_t>(bytes));
}

std::expected<std::span<std::byte>, SrtpError> SrtpSession::unprotect_rtcp(
    std::span<std::byte> packet) {
    if (packet.size() < kRtcpHeaderBytes + kSrtcpIndexBytes + state_->remote_tag_bytes ||
        (load_u8(packet.data()) >> 6U) != 2 ||
        packet.size() > std::numeric_limits<std::uint16_t>::max()) {
        return std::unexpected(SrtpError::kMalformed);
    }
    const std::uint32_t ssrc = load_be32(packet.data() + 4);
    int bytes = static_cast<int>(packet.size());
    const srtp_err_status_t status =
        srtp_unprotect_rtcp(state_->inbound.get(), packet.data(), &bytes);
    if (status != srtp_err_status_ok) {
        return std::unexpected(error_of(status));
    }
    state_->streams.note(ssrc, state_->inbound.get());
    return packet.first(static_cast<std::size_t>(bytes));
}

std::expected<std::span<std::byte>, SrtpError> SrtpSession::protect_rtcp(
    std::span<std::byte> buffer, std::size_t plain_bytes) {
    CHECK(buffer.size() >= plain_bytes + kSrtcpOverheadBytesMax);
    if (plain_bytes < kRtcpHeaderBytes || plain_bytes > std::numeric_limits<std::uint16_t>::max()) {
        return std::unexpected(SrtpError::kMalformed);
    }
    int bytes = static_cast<int>(plain_bytes);
    const srtp_err_status_t status =
        srtp_protect_rtcp(state_->outbound.get(), buffer.data(), &bytes);
    if (status != srtp_err_status_ok) {
        return std::unexpected(error_of(status));
    }
    return buffer.first(static_cast<std::size_t>(bytes));
}

}  // namespace isthmus::media::transport
