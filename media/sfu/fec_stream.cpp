#include "media/sfu/fec_stream.h"

#include <algorithm>

#include "base/check.h"

namespace isthmus::media::sfu {
namespace {

// One repair packet for ten, five and three: at most 12, 24 and 40 % of the bit rate with
// kShareMargin.
constexpr std::array<FecStream::Level, 3> kLevels{
    {{.packets = 10, .groups = 1}, {.packets = 5, .groups = 2}, {.packets = 3, .groups = 3}}};
constexpr std::array<rtp::ProtectionStep, kLevels.size()> kSteps{
    {{.loss_on = 0.02, .loss_off = 0.005},
     {.loss_on = 0.05, .loss_off = 0.02},
     {.loss_on = 0.10, .loss_off = 0.06}}};

// A repair packet is as long as the longest packet of its group and the FlexFEC header; packets of
// one frame are of about one length. Fifths above the even share that may be spent.
constexpr std::size_t kShareMarginFifths = 6;
// What may be saved up: a repair packet of the largest size for each group, since groups fill up
// one right after the other.
constexpr std::size_t kCreditMax = FecStream::kGroupsMax * rtp::FlexfecGroup::kPacketBytesMax;
// A group that takes longer to fill repairs what the receiver has given up or got again as RTX.
constexpr Duration kGroupAgeMax = std::chrono::milliseconds(500);

}  // namespace

FecStream::FecStream(FecDescription description, RandomSource& random)
    : description_(description),
      loss_(kSteps),
      // The top bit stays clear as for media: rtp::RewriteStart says why.
      next_seq_(
          rtp::make_extended_seq(0, static_cast<std::uint16_t>(random.next_u32() & 0x7FFFU))) {}

void FecStream::on_report(double loss_ratio) {
    loss_.on_report(loss_ratio);
}

std::optional<FecStream::Level> FecStream::level() const {
    return loss_.level() == 0 ? std::nullopt : std::optional(kLevels[loss_.level() - 1]);
}

double FecStream::share() const {
    const auto protecting = level();
    return protecting ? static_cast<double>(kShareMarginFifths) /
                            (5.0 * static_cast<double>(protecting->packets))
                      : 0;
}

void FecStream::begin_level() {
    if (!groups_) {
        groups_ = std::make_unique<Group[]>(kGroupsMax);
    }
    for (Group& group : std::span(groups_.get(), kGroupsMax)) {
        group.packets.clear();
    }
    level_ = loss_.level();
    next_group_ = 0;
    credit_bytes_ = 0;
}

bool FecStream::on_sent(Instant now, rtp::ExtendedSeq seq, const rtp::PacketParts& packet) {
    DCHECK(due_ == nullptr);
    if (loss_.level() == 0) {
        level_ = 0;
        return false;
    }
    if (level_ != loss_.level()) {
        begin_level();
    } else if (seq <= newest_) {
        return false;
    }
    newest_ = seq;
    const Level level = kLevels[level_ - 1];
    credit_bytes_ = std::min(
        credit_bytes_ + packet.size() * kShareMarginFifths / (5 * level.packets), kCreditMax);
    Group& group = groups_[next_group_];
    next_group_ = (next_group_ + 1) % level.groups;
    add(group, now, seq, packet);
    if (group.packets.packets() < level.packets) {
        return false;
    }
    if (!may_repair(group)) {
        ++counters_.skipped;
        group.packets.clear();
        return false;
    }
    due_ = &group.packets;
    return true;
}

void FecStream::add(Group& group,
                    Instant now,
                    rtp::ExtendedSeq seq,
                    const rtp::PacketParts& packet) {
    if (group.packets.packets() != 0 && now - group.began > kGroupAgeMax) {
        ++counters_.skipped;
        group.packets.clear();
    }
    if (!group.packets.add(seq, packet) && group.packets.packets() != 0) {
        // Too far from the first: a gap on the way in.
        ++counters_.skipped;
        group.packets.clear();
        group.packets.add(seq, packet);
    }
    if (group.packets.packets() == 1) {
        group.began = now;
    }
}

bool FecStream::may_repair(const Group& group) {
    const std::size_t bytes = group.packets.bytes() + rtp::kRtpFixedHeaderBytes;
    if (bytes > credit_bytes_) {
        return false;
    }
    credit_bytes_ -= bytes;
    return true;
}

void FecStream::take_repair(std::span<std::byte> out) {
    CHECK(due_ != nullptr);
    counters_.bytes += due_->write(description_.media_ssrc, out);
    ++counters_.packets;
    next_seq_ = rtp::advance(next_seq_, 1);
    due_->clear();
    due_ = nullptr;
}

}  // namespace isthmus::media::sfu
