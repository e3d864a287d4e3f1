#include "tests/media/transport/srtp_reference.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::transport {

SrtpMasterKey random_master(RandomSource& random, SrtpProfile profile) {
    SrtpMasterKey master;
    master.profile = profile;
    random.fill(master.key);
    random.fill(master.salt);
    return master;
}

std::vector<std::byte> plain_rtp(std::uint16_t sequence,
                                 std::uint32_t ssrc,
                                 std::size_t payload_bytes) {
    std::vector<std::byte> packet(12 + payload_bytes);
    store_u8(packet.data(), 0x80);
    store_u8(packet.data() + 1, 96);
    store_be16(packet.data() + 2, sequence);
    store_be32(packet.data() + 4, 3000U * sequence);
    store_be32(packet.data() + 8, ssrc);
    for (std::size_t i = 0; i < payload_bytes; ++i) {
        packet[12 + i] = static_cast<std::byte>(i * 7 + i / 256);
    }
    return packet;
}

std::vector<std::byte> plain_rtcp(std::uint32_t ssrc, std::size_t bytes) {
    std::vector<std::byte> packet(bytes, std::byte{0x5A});
    store_u8(packet.data(), 0x80);
    store_u8(packet.data() + 1, 200);
    store_be16(packet.data() + 2, static_cast<std::uint16_t>(bytes / 4 - 1));
    store_be32(packet.data() + 4, ssrc);
    return packet;
}

namespace {

[[nodiscard]] SrtpContext make_context(const SrtpMasterKey& master, srtp_ssrc_type_t direction) {
    const SrtpProfileSizes sizes = sizes_of(master.profile);
    std::array<unsigned char, 46> key{};
    std::memcpy(key.data(), master.key.data(), sizes.key_bytes);
    std::memcpy(key.data() + sizes.key_bytes, master.salt.data(), sizes.salt_bytes);
    srtp_policy_t policy{};
    for (srtp_crypto_policy_t* crypto : {&policy.rtp, &policy.rtcp}) {
        if (master.profile == SrtpProfile::kAeadAes128Gcm) {
            srtp_crypto_policy_set_aes_gcm_128_16_auth(crypto);
        } else if (master.profile == SrtpProfile::kAeadAes256Gcm) {
            srtp_crypto_policy_set_aes_gcm_256_16_auth(crypto);
        } else {
            srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(crypto);
        }
    }
    policy.ssrc.type = direction;
    policy.key = key.data();
    policy.window_size = 1024;
    policy.allow_repeat_tx = 1;
    srtp_t context = nullptr;
    CHECK(srtp_create(&context, &policy) == srtp_err_status_ok);
    return SrtpContext(context);
}

void make_ready() {
    static const srtp_err_status_t kReady = srtp_init();
    CHECK(kReady == srtp_err_status_ok || kReady == srtp_err_status_bad_param);
    // The first context loads the NSS library, the last one unloads it, and both take long.
    static const SrtpContext kKept = make_context(SrtpMasterKey{}, ssrc_any_outbound);
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

[[nodiscard]] SrtpResult result_of(srtp_err_status_t status,
                                   std::span<std::byte> packet,
                                   int bytes) {
    if (status != srtp_err_status_ok) {
        return std::unexpected(error_of(status));
    }
    return packet.first(static_cast<std::size_t>(bytes));
}

}  // namespace

std::unique_ptr<SrtpFanout> engine_or_other(SrtpEngine engine) {
    auto fanout = make_srtp_fanout(engine == SrtpEngine::kOpenSsl ? engine : SrtpEngine::kAuto);
    CHECK(fanout);
    return std::move(*fanout);
}

std::string name_of(const std::tuple<SrtpEngine, SrtpProfile>& parameters) {
    const std::string engine =
        std::get<SrtpEngine>(parameters) == SrtpEngine::kOpenSsl ? "OpenSsl_" : "IpsecMb_";
    return engine + std::string(name_of(std::get<SrtpProfile>(parameters)));
}

ReferenceSrtpSender::ReferenceSrtpSender(const SrtpMasterKey& master) {
    make_ready();
    context_ = make_context(master, ssrc_any_outbound);
}

std::vector<std::byte> ReferenceSrtpSender::protect_rtp(std::span<const std::byte> plain) {
    std::vector<std::byte> packet(plain.size() + SRTP_MAX_TRAILER_LEN);
    std::ranges::copy(plain, packet.begin());
    packet.resize(protect_rtp_in_place(packet, plain.size()));
    return packet;
}

std::vector<std::byte> ReferenceSrtpSender::protect_rtp(std::span<const std::byte> plain,
                                                        std::uint32_t roc) {
    // libsrtp sets the counter of streams that exist only.
    const std::uint32_t ssrc = load_be32(plain.data() + 8);
    static_cast<void>(protect_rtp(plain_rtp(0, ssrc, 0)));
    CHECK(srtp_set_stream_roc(context_.get(), ssrc, roc) == srtp_err_status_ok);
    return protect_rtp(plain);
}

std::vector<std::byte> ReferenceSrtpSender::protect_rtcp(std::span<const std::byte> plain) {
    std::vector<std::byte> packet(plain.size() + SRTP_MAX_TRAILER_LEN + 4);
    std::ranges::copy(plain, packet.begin());
    int bytes = static_cast<int>(plain.size());
    CHECK(srtp_protect_rtcp(context_.get(), packet.data(), &bytes) == srtp_err_status_ok);
    packet.resize(static_cast<std::size_t>(bytes));
    return packet;
}

std::size_t ReferenceSrtpSender::protect_rtp_in_place(std::span<std::byte> packet,
                                                      std::size_t plain_bytes) {
    int bytes = static_cast<int>(plain_bytes);
    CHECK(srtp_protect(context_.get(), packet.data(), &bytes) == srtp_err_status_ok);
    return static_cast<std::size_t>(bytes);
}

ReferenceSrtpReceiver::ReferenceSrtpReceiver(const SrtpMasterKey& master) {
    make_ready();
    context_ = make_context(master, ssrc_any_inbound);
}

SrtpResult ReferenceSrtpReceiver::unprotect_rtp(std::span<std::byte> packet) {
    int bytes = static_cast<int>(packet.size());
    const srtp_err_status_t status = srtp_unprotect(context_.get(), packet.data(), &bytes);
    return result_of(status, packet, bytes);
}

SrtpResult ReferenceSrtpReceiver::unprotect_rtcp(std::span<std::byte> packet) {
    int bytes = static_cast<int>(packet.size());
    const srtp_err_status_t status = srtp_unprotect_rtcp(context_.get(), packet.data(), &bytes);
    return result_of(status, packet, bytes);
}

}  // namespace isthmus::media::transport
