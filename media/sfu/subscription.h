// A media section that a participant is sent on, and the track that it carries at the moment.
//
// The section's SSRC, its numbering and its counters last as long as the connection; tracks come
// and go, and the receiver sees one unbroken stream. Rewrites what differs per receiver and leaves
// the payload alone, but for the beginning of some videos'. Video begins, and changes to another
// track or encoding, at a key frame.
//
// Leaves out: retransmission without RTX. A packet sent again with another header under the same
// SRTP index would give away GCM's authentication key (RFC 7714 section 10.1). Specification: RFC
// 3550 section 7.1 (translators), RFC 4588, RFC 7667 section 3.7.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "media/rtp/ntp_time.h"
#include "media/rtp/retransmission_policy.h"
#include "media/rtp/rtcp_messages.h"
#include "media/rtp/rtp_header_writer.h"
#include "media/rtp/send_stream.h"
#include "media/rtp/sequence_rewriter.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/downlink.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/fec_stream.h"
#include "media/sfu/inbound_stream.h"
#include "media/sfu/key_frame_wishes.h"
#include "media/sfu/limits.h"
#include "media/sfu/outgoing_packet.h"
#include "media/sfu/red_forwarding.h"
#include "media/sfu/video_follower.h"

namespace isthmus::media::sfu {

class PublishedTrack;

class Subscription {
  public:
    Subscription(MediaSection section,
                 SenderDescription description,
                 Downlink& downlink,
                 const SfuLimits& limits,
                 RandomSource& random);

    // The section goes on under these terms; SSRC, numbering and counters stay. A section that is
    // not sent on any more carries nothing; what was wished for is of the track that was wanted.
    void renegotiate(MediaSection section, RandomSource& random);

    [[nodiscard]] bool sends() const { return is_sending(section_); }

    // Of a participant who names tracks: which; empty for none.
    [[nodiscard]] const std::string& wanted_track() const { return section_.wanted_track; }

    // Free, of the track's kind, and with a format that takes what is published.
    [[nodiscard]] bool fits(const PublishedTrack& track) const {
        return track_ == nullptr && takes(track);
    }

    // The same, free or not.
    [[nodiscard]] bool takes(const PublishedTrack& track) const;
    // `watches`: the viewer asked for its participant by name, whose sound always passes.
    void bind(Instant now, PublishedTrack& track, bool watches = false);
    void unbind();

    [[nodiscard]] PublishedTrack* track() const { return track_; }

    // Asks for what forward() will need, so many receivers before it is this one's turn: from
    // kPrefetchAhead down to 1. Each step reads only what the ones before asked for.
    static constexpr std::size_t kPrefetchAhead = 6;
    void prefetch_ahead(std::size_t receivers) const;
    void forward(Instant now,
                 std::span<const TrackPacket> packets,
                 EgressBatch& batch,
                 transport::DatagramSink& sink);

    // Sends again what is still there, in the receiver's numbering.
    void handle_nack(Instant now,
                     const rtp::Nack& nack,
                     EgressBatch& batch,
                     transport::DatagramSink& sink);
    // Repeats the newest packet as RTX, for a probe. False where there is nothing to repeat.
    bool send_padding(Instant now,
                      const congestion::ProbeSend& probe,
                      EgressBatch& batch,
                      transport::DatagramSink& sink);
    void handle_key_frame_request(Instant now);

    // Audio: nothing is sent until it is false again.
    void set_paused(bool paused) { paused_ = paused; }

    // Video: whether it is held back for want of bandwidth, where that has changed since it was
    // asked last.
    [[nodiscard]] std::optional<bool> poll_starved();

    // Null for audio.
    [[nodiscard]] VideoFollower* video() const { return video_.get(); }

    // Adds what the block says of this stream to `reported`.
    void handle_report_block(rtp::NtpTime now,
                             const rtp::ReportBlock& block,
                             congestion::ReportedLoss& reported);

    // Nothing before media and the publisher's clock are known.
    [[nodiscard]] std::optional<rtp::SenderInfo> make_sender_info(Instant now,
                                                                  rtp::NtpTime ntp) const;

    [[nodiscard]] std::uint32_t ssrc() const { return description_.ssrc; }

    [[nodiscard]] std::optional<std::uint32_t> rtx_ssrc() const { return description_.rtx_ssrc; }

    [[nodiscard]] const MediaSection& section() const { return section_; }

    [[nodiscard]] const SenderDescription& description() const { return description_; }

    [[nodiscard]] const SubscriptionInfo& counters() const { return counters_; }

    // From the receiver's last report: what was lost (0 to 1), and how far away it is.
    [[nodiscard]] double loss_ratio() const { return sent_.receiver().loss_ratio; }

    [[nodiscard]] std::optional<Duration> round_trip() const { return sent_.receiver().rtt; }

    // Packets of the repair stream so far.
    [[nodiscard]] std::uint64_t repair_packets() const {
        return fec_ ? fec_->counters().packets : 0;
    }

    // What its repair packets may add to the bit rate of the media, as a share of that.
    [[nodiscard]] double repair_share() const { return fec_ ? fec_->share() : 0; }

    // Sequence numbers asked for that were not looked into.
    [[nodiscard]] std::uint64_t nacks_ignored() const { return retransmissions_.refused_wishes(); }

    // PLI and FIR that were not passed on.
    [[nodiscard]] std::uint64_t key_frame_requests_ignored() const {
        return key_frame_wishes_.ignored();
    }

    [[nodiscard]] SubscriptionInfo describe() const;

  private:
    void forget_wish();
    void forward_one(Instant now,
                     const TrackPacket& packet,
                     EgressBatch& batch,
                     transport::DatagramSink& sink);

    // What catch_up() sent: the packets of `stream` from `begin` to before `end`. The batch in
    // which it happens may have them as well, and no SRTP index may be used twice.
    struct CaughtUp {
        const InboundStream* stream = nullptr;
        rtp::ExtendedSeq begin{};
        rtp::ExtendedSeq end{};

        [[nodiscard]] bool has(const TrackPacket& packet) const {
            return packet.stream == stream && begin <= packet.seq && packet.seq < end;
        }
    };

    // Sends what came since the last key frame and before `next`, so that the viewer need not wait
    // for another one.
    CaughtUp catch_up(Instant now,
                      const TrackPacket& next,
                      EgressBatch& batch,
                      transport::DatagramSink& sink);
    // The packet in the receiver's terms; nothing where it is not for the receiver.
    [[nodiscard]] std::optional<OutgoingPacket> take(Instant now, const TrackPacket& packet);
    [[nodiscard]] std::optional<OutgoingPacket> take_audio(Instant now, const TrackPacket& packet);
    [[nodiscard]] std::optional<OutgoingPacket> address_audio(Instant now,
                                                              const TrackPacket& packet);
    [[nodiscard]] std::optional<OutgoingPacket> take_video(Instant now, const TrackPacket& packet);
    // What audio and video have in common; nothing where the packet has no number.
    [[nodiscard]] std::optional<OutgoingPacket> address(Instant now, const TrackPacket& packet);
    // Takes up the packet's audio stream where it may; false where it is not for the receiver.
    bool follow(Instant now, const TrackPacket& packet);
    // The receiver's numbering goes on with the packet's stream.
    void begin(Instant now, const TrackPacket& packet);
    [[nodiscard]] std::optional<rtp::RtpTimestamp> timestamp_after_switch(
        const InboundStream& to, rtp::RtpTimestamp timestamp) const;
    void resume(Instant now, const TrackPacket& packet);
    bool choose_format(const TrackPacket& packet);
    // False where the packet is gone, or may not be sent again.
    bool resend(Instant now, std::uint16_t seq, EgressBatch& batch, transport::DatagramSink& sink);

    // What was sent as `seq`, where it is still there.
    struct Repeat {
        const InboundStream* stream = nullptr;
        rtp::RtpPacketView packet;
        OutgoingPacket outgoing;
    };

    [[nodiscard]] std::optional<Repeat> make_repeat(Instant now, std::uint16_t seq);

    [[nodiscard]] std::optional<std::uint32_t> source() const {
        return video_ != nullptr ? video_->following() : following_;
    }

    MediaSection section_;
    SenderDescription description_;

    // What each packet touches: up to the head of rewriter_. See prefetch_ahead().
    PublishedTrack* track_ = nullptr;
    Downlink& downlink_;
    std::unique_ptr<VideoFollower> video_;           // null for audio
    std::unique_ptr<FecStream> fec_;                 // where the receiver took it
    const rtp::PayloadFormat* published_ = nullptr;  // what `format_` was chosen for
    const rtp::PayloadFormat* format_ = nullptr;     // null: the receiver cannot take it
    std::optional<std::uint32_t> following_;         // InboundStream::source of audio
    std::uint32_t ssrc_;                             // that of description_
    std::uint8_t payload_type_ = 0;                  // that of format_
    bool fresh_ = false;                             // nothing was offered since bind()
    bool watches_ = false;
    bool paused_ = false;      // audio
    bool was_paused_ = false;  // something was held back, and nothing sent since
    bool told_starved_ = false;
    rtp::SendStream sent_;
    rtp::RtpHeaderWriter header_writer_;
    rtp::SequenceRewriter rewriter_;

    rtp::ExtendedSeq next_rtx_seq_;
    rtp::RetransmissionPolicy retransmissions_;
    KeyFrameWishes key_frame_wishes_;
    RedForwarding red_;
    SubscriptionInfo counters_;
};

}  // namespace isthmus::media::sfu
