// Gives one receiver's stream an unbroken numbering of its own, whatever the publisher's packets
// are called, which of them are forwarded, and which of the publisher's streams they come from.
//
// The publisher's numbers map to the receiver's in runs: within a run both count alike, so that a
// packet that is lost on the way in is a gap on the way out, keeps its number, and is forwarded
// with it should it come late. A dropped packet (on_dropped) ends a run: it has no number, and what
// follows closes up. A switch of source begins a run with the next number and a timestamp that
// continues by the time that went by.
//
// The runs of the last seconds are remembered: for late packets, and to find the publisher's number
// when the receiver asks for one of its own again. Nothing is allocated after construction.
//
// Leaves out: payload descriptors (VP8 picture ids and the like), and what deserves forwarding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/prefetch.h"
#include "base/time.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

// Where a receiver's stream begins: unpredictable, from a RandomSource (RFC 3550 section 5.1). The
// top bit of `seq` is cleared, so that the receiver cannot take an early loss for a roll-over (RFC
// 3711 section 3.3.1).
struct RewriteStart {
    std::uint16_t seq = 0;
    RtpTimestamp timestamp{};
};

// The packet that a source begins with: the first of a key frame for video.
struct SourceStart {
    std::uint32_t source = 0;  // the caller's name for it, e.g. its SSRC
    ExtendedSeq seq{};
    RtpTimestamp timestamp{};
    std::uint32_t clock_hz = 90000;
    // Where the caller knows better than the arrival times what timestamp continues the stream:
    // from the RtpClocks of both sources. Taken if it does not step back.
    std::optional<RtpTimestamp> timestamp_out = std::nullopt;
};

struct Rewritten {
    ExtendedSeq seq{};  // roc_of() is the SRTP roll-over counter
    RtpTimestamp timestamp{};
};

// A packet as its publisher numbered it.
struct SourcePacket {
    std::uint32_t source = 0;
    ExtendedSeq seq{};

    friend bool operator==(const SourcePacket&, const SourcePacket&) = default;
};

class SequenceRewriter {
  public:
    explicit SequenceRewriter(RewriteStart start);

    // Begins with a source, or changes to another, at this packet; rewrite() it next.
    void switch_source(Instant now, const SourceStart& start);

    // The packet's number, or nothing where it has none: it is from before its source began,
    // belongs to a source that was left and had not been numbered, was dropped, or is too old.
    // Numbering a packet a second time gives the same number.
    [[nodiscard]] std::optional<Rewritten> rewrite(Instant now,
                                                   const SourcePacket& packet,
                                                   RtpTimestamp timestamp);

    // The packet is not forwarded and leaves no gap. A packet that comes late cannot close up any
    // more: its number is out and stays a gap. Not needed while nothing at all is forwarded
    // (paused, or waiting for a key frame): switch_source() to the same source begins again after
    // that.
    void on_dropped(const SourcePacket& packet);

    // Which packet the receiver knows as `seq`. Nothing for numbers never used, or too old. The
    // packet may be one that never came.
    [[nodiscard]] std::optional<SourcePacket> find(std::uint16_t seq) const;

    // The receiver's full number for `seq` as it asked for it: the nearest to the newest.
    [[nodiscard]] ExtendedSeq extend(std::uint16_t seq) const {
        return nearest_extended_seq(highest_, seq);
    }

    // `source_timestamp` of the current source in the receiver's terms; nothing before the first.
    [[nodiscard]] std::optional<RtpTimestamp> timestamp_of(RtpTimestamp source_timestamp) const;

    // What rewrite() and prefetch_newest() read lies in the first so many.
    static constexpr std::size_t kHotBytes = 64;

    // rewrite() will need it.
    void prefetch_newest() const { prefetch(&runs_[newest_], sizeof(Run)); }

    [[nodiscard]] bool started() const { return runs_used_ != 0; }

    [[nodiscard]] std::uint32_t source() const { return newest().source; }  // once started

    // The newest number used; once a packet was rewritten.
    [[nodiscard]] ExtendedSeq highest() const { return highest_; }

  private:
    // Temporal layers at 30 fps drop 15 to 23 times a second: two to four seconds.
    static constexpr std::size_t kRuns = 64;
    // A jump over more packets is an outage: the receiver sees one packet missing, not thousands.
    static constexpr std::uint64_t kGapMax = 1000;

    // Numbers in [first, first + length) are out, from out_first on.
    struct Run {
        std::uint64_t first = 0;
        std::uint64_t out_first = 0;
        std::uint32_t length = 0;
        std::uint32_t source = 0;
        std::uint32_t timestamp_offset = 0;
    };

    [[nodiscard]] const Run& newest() const { return runs_[newest_]; }

    // One behind the last number given away.
    [[nodiscard]] std::uint64_t out_end() const {
        return runs_used_ == 0 ? start_.seq : newest().out_first + newest().length;
    }

    void begin_run(const Run& run);
    void reach(std::uint64_t seq);
    // The newest run that `holds`, or null.
    template <typename Holds>
    [[nodiscard]] const Run* find_run(Holds&& holds) const;

    // What each packet touches, but for the newest run, comes first: prefetch_newest() reads it.
    RewriteStart start_;
    std::size_t newest_ = 0;
    std::size_t runs_used_ = 0;
    bool sent_ = false;  // anything at all
    ExtendedSeq highest_{};
    RtpTimestamp last_timestamp_{};  // as sent, of the newest number
    Instant last_at_{};
    std::array<Run, kRuns> runs_{};
};

}  // namespace isthmus::media::rtp
