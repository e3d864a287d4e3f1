// The way to one client: everything that it is sent, of all tracks, leaves through here.
//
// Numbers packets transport-wide, remembers them for the client's feedback, and spreads bursts of
// video over time where the client's bandwidth is known (congestion::SendSideController says how
// much, congestion::Pacer when). Sound is never held back. One per participant; driven by its
// subscriptions and its worker. Leaves out: what deserves sending (subscription.h), which layer
// (layer_choice.h), RTCP (rtcp_sender.h).
//
// Specification: draft-holmer-rmcat-transport-wide-cc-extensions-01 (numbering).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/congestion_config.h"
#include "media/congestion/pacer.h"
#include "media/congestion/pacer_queue.h"
#include "media/congestion/report_control.h"
#include "media/congestion/send_side_controller.h"
#include "media/rtp/rtcp_messages.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/outgoing_packet.h"
#include "media/sfu/pacing_list.h"
#include "media/transport/datagram.h"
#include "media/transport/peer_transport.h"

namespace isthmus::media::sfu {

struct DownlinkCounters {
    std::uint64_t paced = 0;            // waited for the pacer
    std::uint64_t dropped_full = 0;     // too many waited
    std::uint64_t dropped_expired = 0;  // no longer in the publisher's cache when their time came
    std::uint64_t padding = 0;          // sent to probe
};

// How the client tells when each packet arrived.
enum class PacketFeedback : std::uint8_t {
    kNone,  // not at all: what it reports of all of them has to do
    kTransportWide,
    kByStream,  // RFC 8888
};

class Downlink {
  public:
    // What is sent for a probe alone.
    struct Padding {
        const OutgoingPacket& packet;
        const PacketContent& content;
        congestion::ProbeClusterId cluster = congestion::kNoProbe;
    };

    // What each batch touches lies in the first so many.
    static constexpr std::size_t kHotBytes = 320;

    // Both outlive the downlink.
    Downlink(const transport::PeerTransport& transport,
             PacingList& pacing,
             const congestion::CongestionConfig& config,
             PacketFeedback feedback);

    // The client will tell when each packet arrived, where it did not before: the sections that it
    // is sent media on came with a later description. (RFC 8888 only from the beginning.)
    void expect_transport_feedback() {
        if (feedback_ == PacketFeedback::kNone) {
            feedback_ = PacketFeedback::kTransportWide;
            estimates_ = true;
        }
    }

    // In the pacing list.
    void set_owner(ParticipantId owner) { owner_ = owner; }

    // Ask for what open() and send() will need beyond this object, in this order: each reads only
    // what the one before asked for.
    void prefetch_parts() const;

    void prefetch_transport() const { transport_.prefetch(); }

    void prefetch_key() const { transport_.prefetch_key(); }

    // Makes the client the receiver of what is sent next. False before it has keys and a path.
    [[nodiscard]] bool open(Instant now, EgressBatch& batch);

    // After open(). Sends the packet, or keeps it for the pacer. False where it became too long to
    // be sent, or too many wait.
    bool send(Instant now,
              const OutgoingPacket& packet,
              const PacketContent& content,
              EgressBatch& batch,
              transport::DatagramSink& sink);

    // After open(): a packet sent for a probe alone. Returns its bytes on the line; 0 where it was
    // not sent.
    std::size_t send_padding(Instant now,
                             const Padding& padding,
                             EgressBatch& batch,
                             transport::DatagramSink& sink);

    // Sends what the pacer lets go. Returns when it wants to be asked again, kNever where nothing
    // waits.
    Instant release(Instant now, EgressBatch& batch, transport::DatagramSink& sink);

    // Bytes to send now for a probe: after open(), waiting packets go first; what is left when none
    // waits any more is to be sent with send_padding(). Nothing where none is due. Padding repeats
    // the newest packet: a client that saw it before those that wait would take them for lost.
    [[nodiscard]] std::optional<congestion::ProbeSend> poll_probe(Instant now,
                                                                  EgressBatch& batch,
                                                                  transport::DatagramSink& sink);

    // Forgets waiting packets of one section: its track ends, or another layer takes over.
    void drop(const rtp::RtpHeaderWriter& section);

    // Feedback of another kind than was agreed on is not listened to.
    void on_transport_feedback(Instant now, const rtp::TransportFeedback& feedback);
    void on_congestion_feedback(Instant now, const rtp::CongestionFeedback& feedback);
    void on_remb(Instant now, DataRate limit);
    // What the client's report blocks say. False where it tells of each packet, which is better.
    bool on_reports(Instant now, const congestion::ReportedLoss& reported);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // The client's bandwidth is measured: by feedback on packets, by REMB, or by reports that tell
    // of loss.
    [[nodiscard]] bool estimates() const { return estimates_; }

    // For media. Unlimited where nothing is measured.
    [[nodiscard]] DataRate target() const;

    void set_wanted(const congestion::WantedRates& wanted);

    [[nodiscard]] congestion::CongestionStats congestion() const { return controller_.stats(); }

    [[nodiscard]] DownlinkCounters counters() const;

    // All but how often layers were chosen.
    [[nodiscard]] DownlinkInfo describe() const;

  private:
    using Waiting = congestion::PacerQueue<OutgoingPacket>;

    struct Probe {
        congestion::ProbeClusterId cluster = congestion::kNoProbe;
        bool is_padding = false;
    };

    struct Writing {
        const OutgoingPacket& packet;
        const PacketContent& content;
        Probe probe = {};
    };

    // What was written, as the client sees it.
    struct Written {
        const rtp::RtpHeaderWriter& writer;
        std::uint32_t ssrc = 0;
        std::uint16_t seq = 0;
        std::size_t bytes = 0;
    };

    // Bytes on the line; 0 where the packet is too long.
    std::size_t write(Instant now,
                      const Writing& writing,
                      EgressBatch& batch,
                      transport::DatagramSink& sink);
    // Writes the header at the moment of sending. Returns its bytes, in the batch's header room.
    std::size_t write_header(Instant now,
                             const rtp::RtpHeaderWriter& writer,
                             rtp::RtpHeaderFields fields,
                             const PacketContent& content,
                             EgressBatch& batch) const;
    // Tells the controller. Returns the bytes on the line.
    std::size_t on_written(Instant now, const Written& packet, Probe probe);
    // The repair packet that is due beside `repaired`, which was just written.
    void write_repair(Instant now,
                      const OutgoingPacket& repaired,
                      EgressBatch& batch,
                      transport::DatagramSink& sink);
    // The same for one that waited: its payload is looked up again.
    void write_waiting(Instant now,
                       const OutgoingPacket& packet,
                       Probe probe,
                       EgressBatch& batch,
                       transport::DatagramSink& sink);
    bool wait(Instant now, const OutgoingPacket& packet, DataSize size);
    void on_target();
    void describe_reports(DownlinkInfo& info) const;
    [[nodiscard]] Instant next_release(Instant now) const;
    // Has the worker call release().
    void enlist(Instant at);

    // Frames of all tracks of half a second at 10 Mbit/s.
    static constexpr std::size_t kWaitingMax = 512;

    const transport::PeerTransport& transport_;
    PacingList& pacing_;
    ParticipantId owner_;
    PacketFeedback feedback_;
    bool estimates_;
    bool listed_ = false;  // in pacing_
    bool begun_ = false;   // something was sent
    std::uint16_t transport_sequence_ = 0;
    std::uint16_t line_overhead_bytes_ = 0;  // IP and UDP of the current path
    DataSize budget_;                        // what may still leave at once
    DataSize sent_;                          // where there is no feedback on it
    congestion::Pacer pacer_;
    Waiting retransmissions_;
    Waiting video_;
    congestion::SendSideController controller_;
    congestion::ReportControl reports_;
    double pacing_factor_;
    DownlinkCounters counters_;
};

}  // namespace isthmus::media::sfu
