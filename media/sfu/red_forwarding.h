// In which form one receiver gets a track's Opus: as it was published, out of RED, or within RED
// that the node makes.
//
// Published RED goes as it is to those who took RED, its blocks renamed where their payload types
// differ, and as its own frame alone to all others. Published plain, it becomes RED for receivers
// that took it and whose reports tell of loss: with one earlier frame from 3 % on, with two from
// 10 %. The earlier frames are those that the receiver was sent before, from the track's cache; the
// own frame is shared as ever. Specification: RFC 2198; RFC 7587 section 4.5 for Opus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "media/rtp/loss_protection.h"
#include "media/rtp/payload_format.h"
#include "media/rtp/sequence_rewriter.h"
#include "media/sfu/inbound_stream.h"
#include "media/sfu/outgoing_packet.h"

namespace isthmus::media::sfu {

// What a packet is, and what the receiver takes it as.
struct FormatPair {
    const rtp::PayloadFormat& published;
    const rtp::PayloadFormat& wanted;
};

class RedForwarding {
  public:
    RedForwarding();

    // What the receiver's report says, 0 to 1.
    void on_report(double loss_ratio) { loss_.on_report(loss_ratio); }

    // Sets payload type, patch and earlier frames of `outgoing`, which has its number already.
    void shape(Instant now,
               const TrackPacket& packet,
               const FormatPair& formats,
               const rtp::SequenceRewriter& rewriter,
               OutgoingPacket& outgoing) const;

    // Earlier frames that each packet is sent with now.
    [[nodiscard]] std::size_t distance() const { return loss_.level(); }

  private:
    rtp::LossProtection loss_;
};

// Finds the parts of a packet of RED whose own frame is of `block_type`. False where it is none.
[[nodiscard]] bool read_red(std::uint8_t block_type, TrackPacket& packet);

// What stands before the own frame of a packet with earlier ones. Returns its bytes, in `out`.
std::span<const std::byte> write_red(Instant now,
                                     const OutgoingPacket& packet,
                                     const rtp::RtpPacketView& content,
                                     std::span<std::byte> out);

}  // namespace isthmus::media::sfu
