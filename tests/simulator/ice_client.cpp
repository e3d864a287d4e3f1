#include "tests/simulator/ice_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/transport/peer_transport.h"

namespace isthmus::simulator {

using media::transport::BindingRequestFields;
using media::transport::classify;
using media::transport::DatagramKind;
using media::transport::DtlsState;
using media::transport::IceCredentials;
using media::transport::OutDatagram;
using media::transport::Path;
using media::transport::SrtpJob;
using media::transport::SrtpProfile;

namespace {

constexpr Duration kCheckInterval = std::chrono::milliseconds(50);      // RFC 8445 section 14.2, Ta
constexpr Duration kConsentInterval = std::chrono::milliseconds(2500);  // Chromium's
constexpr std::size_t kChecksRemembered = 16;
constexpr std::uint32_t kHostPriority = 0x6e7f'ffff;  // peer reflexive, RFC 8445 section 5.1.2.1
constexpr int kRoleConflict = 487;
constexpr std::size_t kRtpHeaderBytes = 12;

// Fixed header, CSRCs and extension block; nothing where the packet is too short for them.
[[nodiscard]] std::optional<std::size_t> rtp_header_bytes(std::span<const std::byte> packet) {
    if (packet.size() < kRtpHeaderBytes) {
        return std::nullopt;
    }
    const std::uint8_t first = load_u8(packet.data());
    std::size_t bytes = kRtpHeaderBytes + std::size_t{4} * (first & 0x0fU);
    if ((first & 0x10U) != 0) {
        if (packet.size() < bytes + 4) {
            return std::nullopt;
        }
        bytes += 4 + std::size_t{4} * load_be16(packet.data() + bytes + 2);
    }
    return packet.size() < bytes ? std::nullopt : std::optional(bytes);
}

}  // namespace

IceClient::IceClient(Instant /*now*/, IceClientConfig config, RandomSource& random)
    : config_(std::move(config)),
      random_(random),
      dtls_(config_.identity, config_.role, config_.remote_fingerprint),
      controlling_(!config_.begin_as_controlled),
      tie_breaker_(random.next_u64()) {
    CHECK(config_.fanout != nullptr);
}

void IceClient::add_path(Instant now, const Path& path) {
    candidates_.push_back({.path = path, .next_check = now});
    check(now, candidates_.back());
}

void IceClient::remove_path(const Path& path) {
    std::erase_if(candidates_, [&path](const Candidate& each) { return each.path == path; });
    if (selected_ == path) {
        selected_.reset();
    }
}

void IceClient::nominate(Instant now, const Path& path) {
    Candidate* candidate = find(path);
    CHECK(candidate != nullptr);
    for (Candidate& each : candidates_) {
        each.nominating = false;
    }
    candidate->nominating = true;
    check(now, *candidate);
}

void IceClient::restart_ice(Instant now, IceCredentials local, IceCredentials remote) {
    config_.local = std::move(local);
    config_.remote = std::move(remote);
    for (Candidate& candidate : candidates_) {
        candidate.valid = false;
        candidate.nominating = false;
        candidate.sent.clear();
        check(now, candidate);
    }
}

void IceClient::handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes) {
    switch (classify(bytes)) {
        case DatagramKind::kStun:
            handle_stun(now, path, bytes);
            return;
        case DatagramKind::kDtls:
            if (config_.speak_dtls) {
                dtls_.handle_datagram(now, bytes);
                follow_dtls();
            }
            return;
        case DatagramKind::kRtp:
            handle_srtp(bytes, false);
            return;
        case DatagramKind::kRtcp:
            handle_srtp(bytes, true);
            return;
        case DatagramKind::kOther:
            return;
    }
}

void IceClient::handle_timeout(Instant now) {
    for (Candidate& candidate : candidates_) {
        if (now >= candidate.next_check) {
            check(now, candidate);
        }
    }
    dtls_.handle_timeout(now);
    follow_dtls();
}

Instant IceClient::next_timeout() const {
    Instant next = dtls_.next_timeout();
    for (const Candidate& candidate : candidates_) {
        next = std::min(next, candidate.next_check);
    }
    return next;
}

std::optional<OutDatagram> IceClient::poll_datagram() {
    while (auto record = dtls_.poll_datagram()) {
        if (selected_) {
            send(*selected_, std::move(*record));
        }
    }
    if (outgoing_.empty()) {
        return std::nullopt;
    }
    sending_ = std::move(outgoing_.front());
    outgoing_.pop_front();
    return OutDatagram{.path = &sending_.path, .bytes = sending_.bytes};
}

bool IceClient::send_rtp(std::span<const std::byte> packet) {
    const auto header_bytes = rtp_header_bytes(packet);
    if (!header_bytes || !connected() || !selected_) {
        return false;
    }
    const std::uint16_t sequence = load_be16(packet.data() + 2);
    const std::uint32_t ssrc = load_be32(packet.data() + 8);
    SrtpJob job{.key = send_key_.get(),
                .header = packet.first(*header_bytes),
                .payload = packet.subspan(*header_bytes),
                .roc = roll_over(ssrc, sequence)};
    Bytes sealed(job.out_bytes());
    job.out = sealed.data();
    config_.fanout->protect({&job, 1});
    send(*selected_, std::move(sealed));
    return true;
}

bool IceClient::send_rtcp(std::span<const std::byte> packet) {
    if (!connected() || !selected_) {
        return false;
    }
    Bytes buffer(packet.begin(), packet.end());
    buffer.resize(packet.size() + media::transport::kSrtcpOverheadBytesMax);
    const auto sealed = srtp_->protect_rtcp(buffer, packet.size());
    if (!sealed) {
        return false;
    }
    buffer.resize(sealed->size());
    send(*selected_, std::move(buffer));
    return true;
}

std::optional<IceClient::Bytes> IceClient::poll_rtp() {
    if (rtp_.empty()) {
        return std::nullopt;
    }
    Bytes packet = std::move(rtp_.front());
    rtp_.pop_front();
    return packet;
}

std::optional<IceClient::Bytes> IceClient::poll_rtcp() {
    if (rtcp_.empty()) {
        return std::nullopt;
    }
    Bytes packet = std::move(rtcp_.front());
    rtcp_.pop_front();
    return packet;
}

void IceClient::close() {
    dtls_.close();
}

std::optional<SrtpProfile> IceClient::srtp_profile() const {
    return send_key_ ? std::optional(send_key_->profile()) : std::nullopt;
}

void IceClient::check(Instant now, Candidate& candidate) {
    Check& check = candidate.sent.emplace_back();
    if (candidate.sent.size() > kChecksRemembered) {
        candidate.sent.pop_front();
    }
    random_.fill(check.transaction);
    check.use_candidate = controlling_ && (config_.nominate_at_once || candidate.nominating);
    std::array<std::byte, media::transport::kStunBytesMax> buffer{};
    const auto request = write_binding_request({.transaction = check.transaction,
                                                .tie_breaker = tie_breaker_,
                                                .priority = kHostPriority,
                                                .controlling = controlling_,
                                                .use_candidate = check.use_candidate},
                                               config_.local,
                                               config_.remote,
                                               buffer);
    CHECK(!request.empty());
    ++counters_.checks_sent;
    send(candidate.path, Bytes(request.begin(), request.end()));
    const bool settled = candidate.valid && (!candidate.nominating || selected_ == candidate.path);
    candidate.next_check = now + (settled ? kConsentInterval : kCheckInterval);
}

void IceClient::handle_stun(Instant now, const Path& path, std::span<const std::byte> message) {
    Candidate* candidate = find(path);
    const auto transaction = media::transport::stun_transaction(message);
    if (candidate == nullptr || !transaction) {
        ++counters_.answers_bad;
        return;
    }
    const auto sent = std::ranges::find(candidate->sent, *transaction, &Check::transaction);
    if (sent == candidate->sent.end()) {
        ++counters_.answers_bad;
        return;
    }
    const auto answer =
        media::transport::parse_binding_response(message, *transaction, config_.remote);
    if (!answer) {
        ++counters_.answers_bad;
        return;
    }
    const Check check = *sent;
    candidate->sent.erase(sent);
    if (answer->mapped) {
        mapped_ = answer->mapped;
    }
    handle_answer(now, *candidate, check, answer->error_code);
}

void IceClient::handle_answer(Instant now,
                              Candidate& candidate,
                              const Check& answered,
                              int error_code) {
    if (error_code == kRoleConflict) {
        // RFC 8445 section 7.2.5.1: switch, take a new tie-breaker, check again.
        ++counters_.role_conflicts;
        controlling_ = true;
        tie_breaker_ = random_.next_u64();
        check(now, candidate);
        return;
    }
    if (error_code != 0) {
        ++counters_.answers_bad;
        return;
    }
    ++counters_.checks_answered;
    candidate.valid = true;
    candidate.next_check = std::max(candidate.next_check, now + kConsentInterval);
    if (answered.use_candidate && (candidate.nominating || config_.nominate_at_once)) {
        candidate.nominating = true;
        selected_ = candidate.path;
        if (config_.speak_dtls) {
            dtls_.start(now);
        }
    } else if (std::ranges::none_of(candidates_, &Candidate::nominating)) {
        candidate.nominating = true;
        check(now, candidate);
    }
}

void IceClient::handle_srtp(std::span<std::byte> packet, bool is_rtcp) {
    if (!srtp_) {
        ++counters_.srtp_errors;
        return;
    }
    const auto plain = is_rtcp ? srtp_->unprotect_rtcp(packet) : srtp_->unprotect_rtp(packet);
    if (!plain) {
        ++counters_.srtp_errors;
        return;
    }
    (is_rtcp ? rtcp_ : rtp_).emplace_back(plain->begin(), plain->end());
}

void IceClient::follow_dtls() {
    const media::transport::DtlsSrtpKeys* keys = dtls_.keys();
    if (keys == nullptr || srtp_) {
        return;
    }
    srtp_ =
        std::make_unique<media::transport::SrtpSession>(keys->remote, keys->local, *config_.fanout);
    send_key_ = config_.fanout->make_key(keys->local);
}

std::uint32_t IceClient::roll_over(std::uint32_t ssrc, std::uint16_t sequence) {
    const auto entry = sent_sequences_.try_emplace(ssrc, sequence).first;
    std::uint64_t& latest = entry->second;
    const auto step = static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(latest));
    if (step >= 0) {
        latest += static_cast<std::uint64_t>(step);
        return static_cast<std::uint32_t>(latest >> 16U);
    }
    // Sent late, or before the first one.
    const auto back = static_cast<std::uint64_t>(-static_cast<std::int64_t>(step));
    return latest < back ? 0 : static_cast<std::uint32_t>((latest - back) >> 16U);
}

IceClient::Candidate* IceClient::find(const Path& path) {
    const auto found = std::ranges::find(candidates_, path, &Candidate::path);
    return found == candidates_.end() ? nullptr : &*found;
}

void IceClient::send(const Path& path, Bytes bytes) {
    outgoing_.push_back({.path = path, .bytes = std::move(bytes)});
}

}  // namespace isthmus::simulator
