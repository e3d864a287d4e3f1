// SRTP and SRTCP from a peer: in a batch with the engine of this machine and one by one with
// OpenSSL, each packet comes to the same.
// Input: packets, each a byte of flags, two bytes of length, and that many bytes. Flags: 0x01 RTCP;
// 0x06 which of three sessions, one for each profile; 0x08 the bytes are plaintext (a 12-byte
// header first), to be protected with the peer's key and the roll-over counter in 0xF0.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/transport/srtcp_sender.h"
#include "media/transport/srtp_unprotect_batch.h"

namespace isthmus::media::transport {
namespace {

SrtpMasterKey key_of(SrtpProfile profile) {
    SrtpMasterKey master;
    master.profile = profile;
    master.key.fill(std::byte{0x11});
    master.salt.fill(std::byte{0x22});
    return master;
}

class Peer {
  public:
    Peer(SrtpProfile profile, SrtpFanout& batched, SrtpFanout& single)
        : fanout_(single),
          send_key_(single.make_key(key_of(profile))),
          rtcp_sender_(key_of(profile), single.cipher()),
          batched_(key_of(profile), key_of(profile), batched),
          single_(key_of(profile), key_of(profile), single) {}

    std::vector<std::byte> protect(SrtpPacketKind kind,
                                   std::span<const std::byte> plain,
                                   std::uint32_t roc) {
        if (kind == SrtpPacketKind::kRtcp) {
            std::vector<std::byte> buffer(plain.begin(), plain.end());
            buffer.resize(plain.size() + kSrtcpOverheadBytesMax);
            const SrtpResult packet = rtcp_sender_.protect(buffer, plain.size());
            return packet ? std::vector<std::byte>(packet->begin(), packet->end())
                          : std::vector<std::byte>{};
        }
        if (plain.size() < 12) {
            return {};
        }
        std::vector<std::byte> out(plain.size() + send_key_->tag_bytes());
        const SrtpJob job{.key = send_key_.get(),
                          .header = plain.first(12),
                          .payload = plain.subspan(12),
                          .out = out.data(),
                          .roc = roc};
        fanout_.protect({&job, 1});
        return out;
    }

    [[nodiscard]] SrtpSession& batched() { return batched_; }

    [[nodiscard]] SrtpSession& single() { return single_; }

  private:
    SrtpFanout& fanout_;
    std::unique_ptr<SrtpSendKey> send_key_;
    SrtcpSender rtcp_sender_;
    SrtpSession batched_;
    SrtpSession single_;
};

struct Arrival {
    Peer* peer = nullptr;
    SrtpPacketKind kind = SrtpPacketKind::kRtp;
    std::vector<std::byte> bytes;
};

class Harness {
  public:
    std::vector<Arrival> read(std::span<const std::byte> input) {
        std::vector<Arrival> arrivals;
        while (input.size() >= 3) {
            const std::uint8_t flags = load_u8(input.data());
            const std::size_t bytes =
                std::min<std::size_t>(load_be16(input.data() + 1), input.size() - 3);
            const auto content = input.subspan(3, bytes);
            input = input.subspan(3 + bytes);
            Arrival arrival{
                .peer = &peers_[((flags >> 1U) & 3U) % peers_.size()],
                .kind = (flags & 1U) != 0 ? SrtpPacketKind::kRtcp : SrtpPacketKind::kRtp,
                .bytes = {content.begin(), content.end()}};
            if ((flags & 8U) != 0) {
                arrival.bytes = arrival.peer->protect(arrival.kind, content, flags >> 4U);
            }
            arrivals.push_back(std::move(arrival));
        }
        return arrivals;
    }

    void compare(std::vector<Arrival> arrivals) {
        std::vector<Arrival> copies = arrivals;
        std::vector<SrtpIncoming> incoming;
        incoming.reserve(arrivals.size());
        for (Arrival& one : arrivals) {
            incoming.push_back(
                {.session = &one.peer->batched(), .kind = one.kind, .packet = one.bytes});
        }
        SrtpUnprotectBatch(*batched_).unprotect(incoming);
        for (std::size_t i = 0; i < incoming.size(); ++i) {
            SrtpSession& session = copies[i].peer->single();
            const SrtpResult expected = copies[i].kind == SrtpPacketKind::kRtp
                                            ? session.unprotect_rtp(copies[i].bytes)
                                            : session.unprotect_rtcp(copies[i].bytes);
            const SrtpResult& result = incoming[i].result;
            CHECK(result.has_value() == expected.has_value());
            CHECK(result ? std::ranges::equal(*result, *expected)
                         : result.error() == expected.error());
        }
    }

  private:
    std::unique_ptr<SrtpFanout> batched_ = *make_srtp_fanout(SrtpEngine::kAuto);
    std::unique_ptr<SrtpFanout> single_ = *make_srtp_fanout(SrtpEngine::kOpenSsl);
    std::array<Peer, 3> peers_{Peer(SrtpProfile::kAesCm128HmacSha1_80, *batched_, *single_),
                               Peer(SrtpProfile::kAeadAes128Gcm, *batched_, *single_),
                               Peer(SrtpProfile::kAeadAes256Gcm, *batched_, *single_)};
};

}  // namespace
}  // namespace isthmus::media::transport

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::transport::Harness harness;
    harness.compare(harness.read(std::as_bytes(std::span(data, size))));
    return 0;
}
