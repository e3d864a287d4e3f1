#include "media/congestion/send_side_controller.h"

#include <algorithm>
#include <chrono>

#include "base/prefetch.h"

namespace isthmus::media::congestion {
namespace {

// Below this share of the target, what arrives does not show what the path carries.
constexpr double kLimitedBelow = 0.85;
// A probe that found less than what arrives anyway was unlucky (libwebrtc:
// kProbeDropThroughputFraction).
constexpr double kOfThroughput = 0.85;
// A loss-based flow has filled the queue.
constexpr double kCompetingLoss = 0.02;
// Until feedback on a probe has come, and the queue that it made is gone.
constexpr Duration kProbeEcho = std::chrono::milliseconds(200);
// Loss above this is no time for probes.
constexpr double kCalmLoss = 0.05;

}  // namespace

SendSideController::SendSideController(const CongestionConfig& config)
    : history_(config.history_packets),
      alr_(config.start),
      probe_controller_(config.start, config.start_probe_max, config.max),
      config_(config),
      index_(2 * config.history_packets),
      rate_(config.start, {.min = config.min, .max = config.max}),
      target_(rate_.rate()) {}

void SendSideController::prefetch() const {
    history_.prefetch_next();
    // Up to the one flag of the configuration that each packet asks for.
    isthmus::prefetch(&alr_, sizeof alr_ + sizeof watch_ + sizeof padding_ + sizeof prober_);
    isthmus::prefetch(&probe_controller_, sizeof probe_controller_);
    isthmus::prefetch(&config_.feedback_by_stream, sizeof config_.feedback_by_stream);
}

void SendSideController::on_packet_sent(Instant now, const SentPacket& sent) {
    const DataSize size = DataSize::bytes(sent.bytes);
    SentPacket packet = sent;
    if (packet.probe == kNoProbe) {
        packet.probe = prober_.current();
    }
    history_.on_packet_sent(now, packet);
    if (config_.feedback_by_stream) {
        index_.insert(packet.ssrc, packet.rtp_seq, packet.seq);
    }
    alr_.on_sent(now, size);
    padding_.on_sent(now, size, packet.is_padding);
    watch_.on_sent(now);
    if (packet.is_padding) {
        padding_bytes_ += packet.bytes;
    }
    if (packet.probe != kNoProbe) {
        prober_.on_sent(now, packet.probe, size);
    }
    if (!probe_controller_.begun()) [[unlikely]] {
        probe_controller_.begin(now);
        start_probes(now);
    }
}

void SendSideController::on_result(Instant now, const PacketResult& result, Summary& summary) {
    if (!result.received) {
        ++summary.lost;
        return;
    }
    ++summary.received;
    if (!result.arrived_at) {
        return;
    }
    delay_.on_packet(now, result);
    busy_.on_packet(now, result);
    queue_.on_packet(now, busy_.queued());
    throughput_.on_packet(*result.arrived_at, DataSize::bytes(result.bytes));
    if (!summary.newest_sent || *result.arrived_at >= summary.newest_arrived) {
        summary.newest_sent = result.sent_at;
        summary.newest_arrived = *result.arrived_at;
    }
    if (result.probe != kNoProbe) {
        if (const auto probed = probe_estimator_.on_packet(result)) {
            summary.probed = probed;
        }
    }
}

void SendSideController::on_transport_feedback(Instant now,
                                               const rtp::TransportFeedback& feedback) {
    Summary summary;
    const bool admitted = history_.on_feedback(
        now, feedback, [&](const PacketResult& result) { on_result(now, result, summary); });
    // What tells nothing new of packets that we sent is no sign of life.
    if (admitted && summary.received + summary.lost > 0) {
        finish_feedback(now, summary);
    }
}

void SendSideController::on_congestion_feedback(Instant now,
                                                const rtp::CongestionFeedback& feedback) {
    StreamFeedback::Reports scratch;
    const auto reports = streams_.read(feedback, index_, history_.newest_seq(), scratch);
    if (!history_.admit(reports.size())) {
        return;
    }
    Summary summary;
    for (const StreamReport& report : reports) {
        history_.on_report(now,
                           {.seq = report.transport_seq,
                            .received = report.received,
                            .arrived_at = report.arrived_at},
                           [&](const PacketResult& result) { on_result(now, result, summary); });
    }
    if (summary.received + summary.lost > 0) {
        finish_feedback(now, summary);
    }
}

void SendSideController::finish_feedback(Instant now, const Summary& summary) {
    has_feedback_ = true;
    if (summary.newest_sent) {
        round_trip_.on_sample(now, now - *summary.newest_sent);
        rate_.set_round_trip(round_trip_.estimate());
    }
    watch_.on_feedback(now, round_trip_.estimate(), history_.in_flight() == DataSize());
    loss_.on_packets(summary.received, summary.lost);
    loss_.update(now, round_trip_.estimate(), target_, busy_.rate(now));
    if (const auto throughput = throughput_.rate()) {
        loss_.on_throughput(now, *throughput);
    }
    follow_path(now, summary);
    retarget(now);
    start_probes(now);
}

void SendSideController::follow_path(Instant now, const Summary& summary) {
    const bool alr = alr_.since().has_value();
    if (was_alr_ && !alr) {
        throughput_.expect_change();
    }
    was_alr_ = alr;
    Usage usage = delay_.usage();
    if (usage == Usage::kNormal && queue_.is_high()) {
        usage = queue_.is_tall(now) ? Usage::kOverusing : Usage::kUnderusing;
    }
    if (usage == Usage::kOverusing && usage_before_ != Usage::kOverusing) {
        ++overuses_;
    }
    usage_before_ = usage;
    if (summary.probed && usage != Usage::kOverusing) {
        use_probe(now, *summary.probed);
        return;
    }
    competing_ = queue_.is_foreign(now);
    const DataRate before = rate_.rate();
    rate_.on_feedback(
        now,
        {.usage = usage,
         .throughput = throughput_.rate(),
         .busy_rate = busy_.rate(now),
         .application_limited = application_limited(),
         .probing =
             now<probed_until_, .competing = competing_, .lossy = loss_.loss()> kCompetingLoss,
         .served = served_,
         .wanted = wanted_next_});
    if (rate_.rate() < before) {
        queue_.on_cut(now);
        prober_.clear();
        probe_controller_.on_drop(now, before, rate_.rate());
    }
}

void SendSideController::use_probe(Instant now, const ProbeResult& probed) {
    ++probes_answered_;
    // One that only asks whether a rate goes through, and got no for an answer, says nothing
    // against what goes through already.
    DataRate rate = probed.verifies ? std::max(probed.rate, rate_.rate()) : probed.rate;
    if (const auto throughput = throughput_.rate()) {
        rate = std::max(rate, std::min(rate_.rate(), *throughput * kOfThroughput));
    }
    rate_.on_probe(now, rate);
    loss_.on_probe(rate);
    retarget(now);
    probe_controller_.on_result(now, probed.rate, conditions());
}

void SendSideController::on_remb(Instant now, DataRate limit) {
    receiver_limit_ = std::max(limit, config_.min);
    retarget(now);
}

void SendSideController::retarget(Instant now) {
    target_ = std::clamp(
        std::min({rate_.rate(), loss_.limit(), receiver_limit_}), config_.min, config_.max);
    alr_.set_target(target_);
    alr_.update(now);
}

bool SendSideController::application_limited() const {
    const auto throughput = throughput_.rate();
    return alr_.since().has_value() || !throughput || *throughput < rate_.rate() * kLimitedBelow;
}

ProbeConditions SendSideController::conditions() const {
    return {.estimate = target_,
            .calm = delay_.usage() == Usage::kNormal && !competing_ && loss_.loss() < kCalmLoss,
            .application_limited = application_limited()};
}

void SendSideController::start_probes(Instant now) {
    while (const auto cluster = probe_controller_.poll(now, conditions())) {
        if (!can_pad_ || !padding_.allows(now, cluster->size) || !prober_.add(now, *cluster)) {
            probe_controller_.on_refused(now);
            return;
        }
        probe_estimator_.expect(*cluster);
        ++probes_;
        if (cluster->verifies) {
            probed_until_ =
                now + cluster->size / cluster->rate + round_trip_.estimate() + kProbeEcho;
        }
    }
}

void SendSideController::set_wanted(const WantedRates& wanted) {
    wanted_next_ = wanted.next;
    served_ = wanted.most > DataRate() ? std::min(wanted.used / wanted.most, 1.0) : 1;
    probe_controller_.set_wanted(wanted);
}

void SendSideController::handle_timeout(Instant now) {
    alr_.update(now);
    if (has_feedback_ && watch_.is_silent(now)) {
        ++silences_;
        const DataRate before = rate_.rate();
        rate_.on_silence(now);
        prober_.clear();
        probe_controller_.on_drop(now, before, rate_.rate());
        retarget(now);
    }
    if (now >= probe_controller_.next_timeout()) {
        start_probes(now);
    }
}

Instant SendSideController::next_timeout() const {
    const Instant silence = has_feedback_ ? watch_.next_timeout() : kNever;
    return std::min({silence, probe_controller_.next_timeout(), prober_.next_timeout()});
}

CongestionStats SendSideController::stats() const {
    return {.target = target_,
            .delay_limit = rate_.rate(),
            .loss_limit = loss_.limit(),
            .receiver_limit = receiver_limit_,
            .throughput = throughput_.rate(),
            .round_trip = round_trip_.smoothed(),
            .round_trip_min = round_trip_.min(),
            .loss = loss_.loss(),
            .in_flight = history_.in_flight(),
            .usage = delay_.usage(),
            .competing = competing_,
            .overuses = overuses_,
            .silences = silences_,
            .probes = probes_,
            .probes_answered = probes_answered_,
            .padding_bytes = padding_bytes_,
            .history = history_.counters(),
            .streams = streams_.counters()};
}

}  // namespace isthmus::media::congestion
