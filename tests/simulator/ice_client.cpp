#include "tests/simulator/ice_client.h"

#include <utility>

#include "base/byte_order.h"

namespace isthmus::simulator {

using media::client::PlainKind;
using media::transport::OutDatagram;
using media::transport::SrtpJob;
using media::transport::SrtpProfile;

namespace {

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
    : fanout_(config.fanout), transport_(std::move(config), random) {}

void IceClient::handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes) {
    const auto plain = transport_.handle_datagram(now, path, bytes);
    if (plain.kind != PlainKind::kNone) {
        (plain.kind == PlainKind::kRtcp ? rtcp_ : rtp_)
            .emplace_back(plain.bytes.begin(), plain.bytes.end());
    }
}

std::optional<OutDatagram> IceClient::poll_datagram() {
    if (const auto datagram = transport_.poll_datagram()) {
        return datagram;
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
    if (!header_bytes || !connected() || selected_path() == nullptr) {
        return false;
    }
    const std::uint16_t sequence = load_be16(packet.data() + 2);
    const std::uint32_t ssrc = load_be32(packet.data() + 8);
    SrtpJob job{.key = transport_.send_key(),
                .header = packet.first(*header_bytes),
                .payload = packet.subspan(*header_bytes),
                .roc = roll_over(ssrc, sequence)};
    Bytes sealed(job.out_bytes());
    job.out = sealed.data();
    fanout_->protect({&job, 1});
    send(std::move(sealed));
    return true;
}

bool IceClient::send_rtcp(std::span<const std::byte> packet) {
    if (!connected() || selected_path() == nullptr) {
        return false;
    }
    Bytes buffer(packet.begin(), packet.end());
    buffer.resize(packet.size() + media::transport::kSrtcpOverheadBytesMax);
    const auto sealed = transport_.protect_rtcp(buffer, packet.size());
    if (!sealed) {
        return false;
    }
    buffer.resize(sealed->size());
    send(std::move(buffer));
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

std::optional<SrtpProfile> IceClient::srtp_profile() const {
    const auto* key = transport_.send_key();
    return key == nullptr ? std::nullopt : std::optional(key->profile());
}

IceClientCounters IceClient::counters() const {
    const auto& ice = transport_.ice().counters();
    return {.checks_sent = ice.checks_sent,
            .checks_answered = ice.checks_answered,
            .answers_bad = ice.answers_bad,
            .role_conflicts = ice.role_conflicts,
            .srtp_errors = transport_.counters().srtp_errors};
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

void IceClient::send(Bytes bytes) {
    outgoing_.push_back({.path = *selected_path(), .bytes = std::move(bytes)});
}

}  // namespace isthmus::simulator
