// A peer's RTP and RTCP as the network and worse deliver it: reordered, repeated, late, jumping,
// forged, cut short. For tests that compare two receivers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/random.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_session.h"

namespace isthmus::media::transport {

class SrtpHostileStream {
  public:
    struct Packet {
        SrtpPacketKind kind = SrtpPacketKind::kRtp;
        std::vector<std::byte> bytes;
    };

    SrtpHostileStream(SrtpProfile profile, SrtpFanout& engine, RandomSource& random);

    [[nodiscard]] const SrtpMasterKey& key() const { return master_; }

    [[nodiscard]] Packet next();

  private:
    // Where each of a few SSRCs is: near the beginning, the median, or a roll-over.
    struct Source {
        std::uint32_t ssrc = 0;
        std::uint64_t rtp_index = 0;
        std::uint32_t rtcp_index = 1;
    };

    [[nodiscard]] Packet fresh();
    [[nodiscard]] std::vector<std::byte> make_rtp(Source& source);
    [[nodiscard]] std::vector<std::byte> make_rtcp(Source& source);
    void damage(std::vector<std::byte>& packet);

    [[nodiscard]] std::uint32_t below(std::uint32_t limit) { return random_.next_u32() % limit; }

    SrtpFanout& engine_;
    RandomSource& random_;
    SrtpMasterKey master_;
    std::unique_ptr<SrtpSendKey> send_key_;
    std::vector<Source> sources_;
    std::vector<Packet> sent_;  // the latest, to repeat
};

}  // namespace isthmus::media::transport
