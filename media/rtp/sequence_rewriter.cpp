#include "media/rtp/sequence_rewriter.h"

#include <algorithm>

#include "media/rtp/rtp_clock.h"

namespace isthmus::media::rtp {

SequenceRewriter::SequenceRewriter(RewriteStart start)
    : start_{.seq = static_cast<std::uint16_t>(start.seq & 0x7fffU), .timestamp = start.timestamp},
      highest_(make_extended_seq(0, start_.seq)) {}

template <typename Holds>
const SequenceRewriter::Run* SequenceRewriter::find_run(Holds&& holds) const {
    for (std::size_t age = 0; age < runs_used_; ++age) {
        const Run& run = runs_[(newest_ + kRuns - age) % kRuns];
        if (holds(run)) {
            return &run;
        }
    }
    return nullptr;
}

void SequenceRewriter::begin_run(const Run& run) {
    // A run that no number was given away in makes room for the next.
    if (runs_used_ == 0 || newest().length != 0) {
        newest_ = (newest_ + 1) % kRuns;
        runs_used_ = std::min(runs_used_ + 1, kRuns);
    }
    runs_[newest_] = run;
}

void SequenceRewriter::switch_source(Instant now, const SourceStart& start) {
    RtpTimestamp out = start_.timestamp;
    if (sent_) {
        out = advance(last_timestamp_,
                      std::max<std::int64_t>(ticks_in(now - last_at_, start.clock_hz), 1));
    }
    if (start.timestamp_out && (!sent_ || distance(last_timestamp_, *start.timestamp_out) > 0)) {
        out = *start.timestamp_out;
    }
    begin_run({.first = value_of(start.seq),
               .out_first = out_end(),
               .length = 0,
               .source = start.source,
               .timestamp_offset = value_of(out) - value_of(start.timestamp)});
}

std::optional<Rewritten> SequenceRewriter::rewrite(Instant now,
                                                   const SourcePacket& packet,
                                                   RtpTimestamp timestamp) {
    if (!started()) {
        return std::nullopt;
    }
    const std::uint64_t seq = value_of(packet.seq);
    const Run* run = nullptr;
    if (packet.source == newest().source && seq >= newest().first + newest().length) {
        reach(seq);
        ++runs_[newest_].length;
        run = &newest();
    } else {
        run = find_run([&](const Run& candidate) {
            return candidate.source == packet.source && seq - candidate.first < candidate.length;
        });
    }
    if (run == nullptr) {
        return std::nullopt;
    }
    const Rewritten out{.seq = ExtendedSeq{run->out_first + (seq - run->first)},
                        .timestamp = advance(timestamp, run->timestamp_offset)};
    if (!sent_ || out.seq > highest_) {
        highest_ = out.seq;
        last_timestamp_ = out.timestamp;
        last_at_ = now;
        sent_ = true;
    }
    return out;
}

// Gives numbers to what lies between the newest run's end and `seq`: packets that may still come.
void SequenceRewriter::reach(std::uint64_t seq) {
    Run& run = runs_[newest_];
    const std::uint64_t gap = seq - (run.first + run.length);
    if (gap > kGapMax) {
        Run after = run;
        after.first = seq;
        after.out_first = out_end() + (sent_ ? 1 : 0);
        after.length = 0;
        begin_run(after);
    } else {
        run.length += static_cast<std::uint32_t>(gap);
    }
}

void SequenceRewriter::on_dropped(const SourcePacket& packet) {
    const std::uint64_t seq = value_of(packet.seq);
    if (!started() || packet.source != newest().source || seq < newest().first + newest().length) {
        return;
    }
    reach(seq);
    Run after = newest();
    after.first = seq + 1;
    after.out_first = out_end();
    after.length = 0;
    begin_run(after);
}

std::optional<SourcePacket> SequenceRewriter::find(std::uint16_t seq) const {
    const std::uint64_t out = value_of(extend(seq));
    const Run* const run = find_run(
        [&](const Run& candidate) { return out - candidate.out_first < candidate.length; });
    if (run == nullptr) {
        return std::nullopt;
    }
    return SourcePacket{.source = run->source,
                        .seq = ExtendedSeq{run->first + (out - run->out_first)}};
}

std::optional<RtpTimestamp> SequenceRewriter::timestamp_of(RtpTimestamp source_timestamp) const {
    if (!started()) {
        return std::nullopt;
    }
    return advance(source_timestamp, newest().timestamp_offset);
}

}  // namespace isthmus::media::rtp
