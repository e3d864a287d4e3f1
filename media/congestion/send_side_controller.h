// Congestion control towards one receiver: how much may be sent, at which pace, and when to probe
// for more.
//
// Driven by what was sent and by the receiver's feedback; after every call that takes `now`, look
// at poll_probe() and re-arm from next_timeout(). Tells of a new target through target(), which
// changes with feedback and timeouts only. Keeps no packets: the driver's PacerQueue does, with the
// Pacer that pacing_rate() feeds. Leaves out which layers are sent (layer_allocator.h).
//
// Specification: draft-ietf-rmcat-gcc-02 with libwebrtc's later changes (see README.md).
#pragma once

#include <cstdint>
#include <optional>

#include "base/data_rate.h"
#include "base/time.h"
#include "media/congestion/alr_detector.h"
#include "media/congestion/busy_rate.h"
#include "media/congestion/congestion_config.h"
#include "media/congestion/delay_detector.h"
#include "media/congestion/feedback_watch.h"
#include "media/congestion/loss_control.h"
#include "media/congestion/packet_result.h"
#include "media/congestion/padding_budget.h"
#include "media/congestion/probe_controller.h"
#include "media/congestion/probe_estimator.h"
#include "media/congestion/prober.h"
#include "media/congestion/rate_control.h"
#include "media/congestion/round_trip.h"
#include "media/congestion/send_history.h"
#include "media/congestion/standing_queue.h"
#include "media/congestion/stream_feedback.h"
#include "media/congestion/stream_index.h"
#include "media/congestion/throughput_estimator.h"
#include "media/rtp/rtcp_messages.h"

namespace isthmus::media::congestion {

struct CongestionStats {
    DataRate target;
    DataRate delay_limit;     // what the delay allows
    DataRate loss_limit;      // what loss allows; unlimited where there is no reason for less
    DataRate receiver_limit;  // REMB; unlimited without one
    std::optional<DataRate> throughput;
    std::optional<Duration> round_trip;      // smoothed
    std::optional<Duration> round_trip_min;  // of the last seconds
    double loss = 0;                         // 0 to 1
    DataSize in_flight;
    Usage usage = Usage::kNormal;
    bool competing = false;  // beside a flow that keeps the queue filled
    std::uint64_t overuses = 0;
    std::uint64_t silences = 0;
    std::uint64_t probes = 0;
    std::uint64_t probes_answered = 0;
    std::uint64_t padding_bytes = 0;
    SendHistoryCounters history;
    StreamFeedbackCounters streams;  // of RFC 8888 feedback
};

class SendSideController {
  public:
    explicit SendSideController(const CongestionConfig& config);

    // Every packet that carries a transport-wide number, padding and retransmissions too.
    void on_packet_sent(Instant now, const SentPacket& packet);
    // Asks for what on_packet_sent() will need.
    void prefetch() const;

    void on_transport_feedback(Instant now, const rtp::TransportFeedback& feedback);

    // RFC 8888; needs CongestionConfig::feedback_by_stream.
    void on_congestion_feedback(Instant now, const rtp::CongestionFeedback& feedback);

    // What the receiver allows besides (REMB). Receivers that send nothing else: report_control.h.
    void on_remb(Instant now, DataRate limit);

    // What there is use for: see ProbeController. Changes with the subscriptions.
    void set_wanted(const WantedRates& wanted);

    // Whether there is something to pad with (RTX with a packet to repeat).
    void set_can_pad(bool can_pad) { can_pad_ = can_pad; }

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // Bytes to send now for a probe, from the queue or as padding, marked with the cluster; ask
    // again after that.
    [[nodiscard]] std::optional<ProbeSend> poll_probe(Instant now) {
        return prober_.idle() ? std::nullopt : prober_.poll(now);
    }

    // For media, with all headers.
    [[nodiscard]] DataRate target() const { return target_; }

    [[nodiscard]] DataRate pacing_rate() const { return target_ * config_.pacing_factor; }

    [[nodiscard]] DataSize in_flight() const { return history_.in_flight(); }

    // Fills a structure; not for every packet.
    [[nodiscard]] CongestionStats stats() const;

  private:
    // What one feedback message said.
    struct Summary {
        std::uint32_t received = 0;
        std::uint32_t lost = 0;
        std::optional<Instant> newest_sent;
        Duration newest_arrived{};
        std::optional<ProbeResult> probed;
    };

    void on_result(Instant now, const PacketResult& result, Summary& summary);
    void finish_feedback(Instant now, const Summary& summary);
    void follow_path(Instant now, const Summary& summary);
    void use_probe(Instant now, const ProbeResult& probed);
    void retarget(Instant now);
    void start_probes(Instant now);
    [[nodiscard]] ProbeConditions conditions() const;
    [[nodiscard]] bool application_limited() const;

    // What on_packet_sent() touches comes first.
    SendHistory history_;
    AlrDetector alr_;
    FeedbackWatch watch_;
    PaddingBudget padding_;
    Prober prober_;
    ProbeController probe_controller_;
    CongestionConfig config_;
    StreamIndex index_;
    StreamFeedback streams_;
    DelayDetector delay_;
    ThroughputEstimator throughput_;
    BusyRate busy_;
    StandingQueue queue_;
    RateControl rate_;
    LossControl loss_;
    RoundTrip round_trip_;
    ProbeEstimator probe_estimator_;
    DataRate receiver_limit_ = DataRate::unlimited();
    DataRate target_;
    bool has_feedback_ = false;
    bool can_pad_ = true;
    DataRate wanted_next_;
    double served_ = 0.5;
    bool was_alr_ = false;
    bool competing_ = false;
    Instant probed_until_ = Instant::min();
    Usage usage_before_ = Usage::kNormal;
    std::uint64_t overuses_ = 0;
    std::uint64_t silences_ = 0;
    std::uint64_t probes_ = 0;
    std::uint64_t probes_answered_ = 0;
    std::uint64_t padding_bytes_ = 0;
};

}  // namespace isthmus::media::congestion
