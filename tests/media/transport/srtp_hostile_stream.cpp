#include "tests/media/transport/srtp_hostile_stream.h"

#include <algorithm>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/transport/srtcp_sender.h"
#include "tests/media/transport/srtp_reference.h"

namespace isthmus::media::transport {

namespace {

constexpr std::size_t kRemembered = 3000;

}  // namespace

SrtpHostileStream::SrtpHostileStream(SrtpProfile profile, SrtpFanout& engine, RandomSource& random)
    : engine_(engine),
      random_(random),
      master_(random_master(random, profile)),
      send_key_(engine.make_key(master_)) {
    for (const std::uint64_t start : {0U, 100U, 32700U, 65500U, 65535U, 65530U}) {
        sources_.push_back({.ssrc = random_.next_u32(), .rtp_index = start});
    }
}

SrtpHostileStream::Packet SrtpHostileStream::next() {
    const std::uint32_t kind = below(20);
    if (kind < 3 && !sent_.empty()) {
        return sent_[below(static_cast<std::uint32_t>(sent_.size()))];
    }
    if (kind == 3) {
        Packet noise{.bytes = std::vector<std::byte>(below(100))};
        random_.fill(noise.bytes);
        noise.kind = below(2) == 0 ? SrtpPacketKind::kRtp : SrtpPacketKind::kRtcp;
        return noise;
    }
    Packet packet = fresh();
    if (kind < 6) {
        damage(packet.bytes);
        return packet;
    }
    if (sent_.size() < kRemembered) {
        sent_.push_back(packet);
    } else {
        sent_[below(kRemembered)] = packet;
    }
    return packet;
}

SrtpHostileStream::Packet SrtpHostileStream::fresh() {
    Source& source = sources_[below(static_cast<std::uint32_t>(sources_.size()))];
    if (below(5) == 0) {
        return {.kind = SrtpPacketKind::kRtcp, .bytes = make_rtcp(source)};
    }
    return {.kind = SrtpPacketKind::kRtp, .bytes = make_rtp(source)};
}

std::vector<std::byte> SrtpHostileStream::make_rtp(Source& source) {
    std::uint64_t index = source.rtp_index;
    const std::uint32_t kind = below(50);
    if (kind < 8) {
        index -= std::min<std::uint64_t>(index, below(1100));  // late; it does not move the source
    } else {
        index += kind == 8 ? below(33000) : kind == 9 ? below(1100) : 1 + below(2);
        source.rtp_index = index;
    }
    std::vector<std::byte> plain =
        plain_rtp(static_cast<std::uint16_t>(index), source.ssrc, below(400));
    if (below(3) == 0 && plain.size() >= 12 + 4 * 2 + 8) {
        store_u8(plain.data(), 0x92);  // two CSRCs and an extension block of one word
        store_be16(plain.data() + 20, 0xBEDE);
        store_be16(plain.data() + 22, 1);
    }
    const std::size_t header_bytes = load_u8(plain.data()) == 0x92 ? 28 : 12;
    std::vector<std::byte> out(plain.size() + send_key_->tag_bytes());
    const SrtpJob job{.key = send_key_.get(),
                      .header = std::span(plain).first(header_bytes),
                      .payload = std::span(plain).subspan(header_bytes),
                      .out = out.data(),
                      .roc = static_cast<std::uint32_t>(index >> 16U)};
    engine_.protect({&job, 1});
    return out;
}

std::vector<std::byte> SrtpHostileStream::make_rtcp(Source& source) {
    std::uint32_t index = source.rtcp_index;
    const std::uint32_t kind = below(20);
    if (kind < 4) {
        index -= std::min(index, below(140));
    } else {
        index += kind == 4 ? below(300) : 1;
        source.rtcp_index = index;
    }
    // 0 is what no sender begins with, but a packet may say so.
    SrtcpSender sender(master_, engine_.cipher(), std::max(index, 1U) - 1);
    const std::size_t plain_bytes = 8 + std::size_t{4} * below(60);
    std::vector<std::byte> buffer = plain_rtcp(source.ssrc, plain_bytes);
    buffer.resize(plain_bytes + kSrtcpOverheadBytesMax);
    const SrtpResult packet = sender.protect(buffer, plain_bytes);
    CHECK(packet);
    return {packet->begin(), packet->end()};
}

void SrtpHostileStream::damage(std::vector<std::byte>& packet) {
    if (below(4) == 0) {
        packet.resize(below(static_cast<std::uint32_t>(packet.size())));
        return;
    }
    const std::uint32_t bit = below(static_cast<std::uint32_t>(packet.size()) * 8);
    packet[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
}

}  // namespace isthmus::media::transport
