// The repair stream beside one media stream to one receiver: when it protects, and how much.
//
// Switched on by the loss that the receiver reports, for a receiver that took flexfec-03. Packets
// are dealt out to a few groups in turn, so that a burst as long as there are groups costs each
// group one packet, which it can restore; a full group becomes a repair packet. The share of the
// bit rate is bounded: what is not used accrues, up to a few packets. Retransmissions and packets
// that come late are not protected: they repair themselves.
//
// The exclusive or is made per receiver: headers differ, and it costs a tenth of sending the packet
// (benchmarks/media/rtp). Groups are allocated when protection begins, not per packet.
// Specification: draft-ietf-payload-flexible-fec-scheme-03; flexfec.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/random.h"
#include "base/time.h"
#include "media/rtp/flexfec.h"
#include "media/rtp/loss_protection.h"
#include "media/rtp/rtp_header_writer.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::sfu {

// Of a=ssrc-group:FEC-FR and the negotiated payload type.
struct FecDescription {
    std::uint32_t ssrc = 0;
    std::uint32_t media_ssrc = 0;
    std::uint8_t payload_type = 0;
};

struct FecCounters {
    std::uint64_t packets = 0;  // of the repair stream
    std::uint64_t bytes = 0;    // payload
    std::uint64_t skipped = 0;  // groups that were not worth their bytes, or over the share
};

class FecStream {
  public:
    // Packets in one group are protected by one repair packet, `groups` of them are filled in turn.
    struct Level {
        std::size_t packets = 0;
        std::size_t groups = 0;
    };

    static constexpr std::size_t kGroupsMax = 3;

    FecStream(FecDescription description, RandomSource& random);

    // What the receiver's report says, 0 to 1.
    void on_report(double loss_ratio);

    // A media packet as it was just sent. Returns whether a repair packet is due: send it next.
    bool on_sent(Instant now, rtp::ExtendedSeq seq, const rtp::PacketParts& packet);

    // The repair packet that is due. `timestamp`: of the packet that was just sent.
    [[nodiscard]] std::size_t repair_bytes() const { return due_->bytes(); }

    // Writes its payload into `out`, which has room for repair_bytes(), and ends the group.
    void take_repair(std::span<std::byte> out);

    // For the header of the repair packet; the number is used up by take_repair().
    [[nodiscard]] rtp::ExtendedSeq seq() const { return next_seq_; }

    [[nodiscard]] const FecDescription& description() const { return description_; }

    // Nothing while the receiver loses too little to be protected.
    [[nodiscard]] std::optional<Level> level() const;

    // What it may add to the bit rate of the media, as a share of that.
    [[nodiscard]] double share() const;

    [[nodiscard]] const FecCounters& counters() const { return counters_; }

  private:
    struct Group {
        rtp::FlexfecGroup packets;
        Instant began{};
    };

    void begin_level();
    void add(Group& group, Instant now, rtp::ExtendedSeq seq, const rtp::PacketParts& packet);
    bool may_repair(const Group& group);

    FecDescription description_;
    rtp::LossProtection loss_;
    std::size_t level_ = 0;            // that the groups are laid out for
    std::unique_ptr<Group[]> groups_;  // kGroupsMax; null before protection began
    std::size_t next_group_ = 0;
    rtp::FlexfecGroup* due_ = nullptr;
    rtp::ExtendedSeq newest_{};
    rtp::ExtendedSeq next_seq_;
    std::size_t credit_bytes_ = 0;
    FecCounters counters_;
};

}  // namespace isthmus::media::sfu
