#include "tests/media/congestion/media_flow.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <variant>

#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"

namespace isthmus::media::congestion {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPacketBytesMax = 1200;
constexpr std::size_t kOverheadBytes = 28 + 12 + 20;  // IP, UDP, RTP and extensions, SRTP
constexpr std::size_t kAudioBytes = 80 + kOverheadBytes;
constexpr Duration kAudioInterval = milliseconds(20);
constexpr Duration kStep = milliseconds(100);
// From the request to the key frame's arrival at the node.
constexpr Duration kKeyFrameWait = milliseconds(120);
// A key frame in mean frames.
constexpr double kKeyFrameSize = 4;
// The receiver's clock is another.
constexpr Duration kClockOffset = std::chrono::hours(300);
constexpr std::size_t kRtcpOverheadBytes = 28 + 14;
constexpr std::uint32_t kSsrc = 0xabcd;
// The first transport-wide number: it wraps soon.
constexpr std::uint16_t kFirstSeq = 65'000;

FlowConfig with_feedback_kind(FlowConfig config) {
    config.congestion.feedback_by_stream = config.feedback_by_stream;
    return config;
}

}  // namespace

TrackModel simulcast(std::vector<std::int64_t> kbps) {
    TrackModel track;
    for (std::size_t i = 0; i < kbps.size(); ++i) {
        track.layers.push_back(
            {.spatial = static_cast<std::uint8_t>(i), .rate = DataRate::kbps(kbps[i])});
    }
    return track;
}

MediaFlow::MediaFlow(simulator::Simulator& simulator,
                     simulator::Link& forward,
                     simulator::Link& backward,
                     FlowConfig config,
                     std::uint64_t seed)
    : simulator_(simulator),
      forward_(forward),
      backward_(backward),
      config_(with_feedback_kind(std::move(config))),
      random_(seed),
      controller_(config_.congestion),
      pacer_(config_.congestion.pacer, controller_.pacing_rate()),
      queue_(pool_, 1024),
      streams_(config_.tracks.size()),
      feedback_(config_.feedback_interval),
      seq_(kFirstSeq) {}

void MediaFlow::start() {
    started_at_ = simulator_.now();
    allocate();
    if (config_.audio) {
        tick_audio();
    }
    for (std::size_t i = 0; i < config_.tracks.size(); ++i) {
        // Cameras do not tick together.
        simulator_.after(milliseconds(random_.next_u32() % 33), [this, i] { tick_video(i); });
    }
    simulator_.after(kStep, [this] { step(); });
}

void MediaFlow::pause() {
    paused_ = true;
    queue_.drop_if([](const Packet&) { return true; });
}

void MediaFlow::resume() {
    paused_ = false;
    last_video_at_.reset();
}

// Between 0.75 and 1.25, in the mean 1.
double MediaFlow::noise() {
    return 0.75 + 0.5 * (random_.next_u32() % 1000) / 999.0;
}

void MediaFlow::tick_audio() {
    if (!paused_) {
        pacer_.on_sent(simulator_.now(), DataSize::bytes(kAudioBytes));
        send(kAudioBytes, kNoProbe, false, false);
        drive();
    }
    simulator_.after(kAudioInterval, [this] { tick_audio(); });
}

void MediaFlow::tick_video(std::size_t track) {
    const TrackModel& model = config_.tracks[track];
    const auto interval = Duration(static_cast<std::int64_t>(1e9 / model.frames_per_second));
    Stream& stream = streams_[track];
    double scale = 1;
    if (simulator_.now() >= stream.key_frame_at) {
        stream.key_frame_at = kNever;
        stream.sent = stream.chosen;
        scale = kKeyFrameSize;
    }
    if (!paused_ && stream.sent != kNoLayer) {
        const double rate = static_cast<double>(model.layers[stream.sent].rate.bps());
        queue_frame(track, rate / 8 / model.frames_per_second * noise() * scale);
        drive();
    }
    simulator_.after(interval, [this, track] { tick_video(track); });
}

void MediaFlow::queue_frame(std::size_t /*track*/, double bytes) {
    auto left = std::max<std::size_t>(static_cast<std::size_t>(bytes), 2 * kOverheadBytes);
    while (left > 0) {
        const std::size_t packet = std::min(left, kPacketBytesMax);
        left -= packet;
        (void)queue_.push(
            simulator_.now(),
            DataSize::bytes(static_cast<std::int64_t>(std::max(packet, 2 * kOverheadBytes))),
            {.queued_at = simulator_.now()});
    }
}

void MediaFlow::allocate() {
    std::vector<LayerRequest> requests;
    const LayerOption audio{.rate = DataSize::bytes(kAudioBytes) / kAudioInterval};
    if (config_.audio) {
        requests.push_back({.kind = MediaKind::kAudio, .layers = std::span(&audio, 1)});
    }
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        requests.push_back({.kind = config_.tracks[i].kind,
                            .priority = config_.tracks[i].priority,
                            .layers = config_.tracks[i].layers,
                            .current = streams_[i].chosen});
    }
    allocation_ = allocator_.allocate(simulator_.now(), controller_.target(), requests);
    controller_.set_wanted(allocation_.wanted);
    const std::size_t first = config_.audio ? 1 : 0;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        const LayerIndex chosen = requests[first + i].chosen;
        Stream& stream = streams_[i];
        if (chosen == stream.chosen) {
            continue;
        }
        trace_.switches += stream.chosen != kNoLayer ? 1 : 0;
        stream.chosen = chosen;
        if (chosen == kNoLayer) {
            stream.sent = kNoLayer;
            stream.key_frame_at = kNever;
        } else if (chosen == stream.sent) {
            stream.key_frame_at = kNever;
        } else {
            stream.key_frame_at = simulator_.now() + kKeyFrameWait;
        }
    }
}

void MediaFlow::send(std::size_t bytes, ProbeClusterId probe, bool is_padding, bool is_video) {
    const Instant now = simulator_.now();
    const std::uint16_t seq = seq_++;
    controller_.on_packet_sent(now,
                               {.seq = seq,
                                .bytes = static_cast<std::uint16_t>(bytes),
                                .probe = probe,
                                .is_padding = is_padding,
                                .ssrc = kSsrc,
                                .rtp_seq = static_cast<std::uint16_t>(seq - kFirstSeq)});
    ++trace_.packets_sent;
    step_sent_bytes_ += bytes;
    (is_padding ? trace_.padding_bytes : trace_.media_bytes) += bytes;
    if (is_padding && now - started_at_ > std::chrono::seconds(5)) {
        trace_.padding_bytes_later += bytes;
    }
    const std::vector<Instant> arrivals = forward_.pass(now, bytes);
    trace_.packets_lost += arrivals.empty() ? 1 : 0;
    for (const Instant arrival : arrivals) {
        trace_.passages.push_back({.at = now, .queued = arrival - now - forward_.config().delay});
        simulator_.at(arrival + config_.delay, [this, seq, bytes, is_padding, is_video] {
            receive(seq, bytes, is_padding, is_video);
        });
    }
}

void MediaFlow::send_probe(const ProbeSend& probe) {
    DataSize left = probe.size;
    left -= queue_.release_at_least(
        simulator_.now(), left, pacer_, [&](const Packet& packet, DataSize size) {
            trace_.longest_wait =
                std::max(trace_.longest_wait, simulator_.now() - packet.queued_at);
            send(static_cast<std::size_t>(size.bytes()), probe.cluster, false, true);
        });
    while (left > DataSize()) {
        const auto bytes =
            std::clamp<std::int64_t>(probe.packet_size.bytes(), 200, std::int64_t{kPacketBytesMax});
        pacer_.on_sent(simulator_.now(), DataSize::bytes(bytes));
        send(static_cast<std::size_t>(bytes), probe.cluster, true, false);
        left -= DataSize::bytes(bytes);
    }
}

void MediaFlow::drive() {
    const Instant now = simulator_.now();
    if (!paused_) {
        while (const auto probe = controller_.poll_probe(now)) {
            send_probe(*probe);
        }
        pacer_.set_rate(controller_.pacing_rate());
        queue_.release(now, pacer_, [&](const Packet& packet, DataSize size) {
            trace_.longest_wait = std::max(trace_.longest_wait, now - packet.queued_at);
            send(static_cast<std::size_t>(size.bytes()), kNoProbe, false, true);
        });
    }
    arm();
}

void MediaFlow::arm() {
    const Instant now = simulator_.now();
    Instant due = std::min(controller_.next_timeout(), allocator_.next_timeout());
    due = std::min(due, queue_.next_release(now, pacer_));
    if (paused_) {
        return;
    }
    due = std::max(due, now + milliseconds(1));
    if (due != kNever && (due < armed_at_ || armed_at_ <= now)) {
        armed_at_ = due;
        simulator_.at(due, [this, due] {
            if (armed_at_ == due) {
                armed_at_ = kNever;
                wake();
            }
        });
    }
}

void MediaFlow::wake() {
    const Instant now = simulator_.now();
    if (now >= controller_.next_timeout()) {
        controller_.handle_timeout(now);
        allocate();
    }
    if (now >= allocator_.next_timeout()) {
        allocate();
    }
    drive();
}

void MediaFlow::receive(std::uint16_t seq, std::size_t bytes, bool is_padding, bool is_video) {
    const Instant now = simulator_.now();
    if (config_.feedback_by_stream) {
        arrivals_[static_cast<std::uint16_t>(seq - kFirstSeq)] = now;
        if (receiver_armed_at_ == kNever) {
            receiver_armed_at_ = now + config_.feedback_interval;
            simulator_.at(receiver_armed_at_, [this] { send_stream_feedback(); });
        }
    } else {
        feedback_.on_packet(now + kClockOffset, seq);
    }
    step_received_bytes_ += is_padding ? 0 : bytes;
    if (is_video) {
        if (last_video_at_ && !paused_) {
            trace_.longest_gap = std::max(trace_.longest_gap, now - *last_video_at_);
        }
        last_video_at_ = now;
    }
    arm_receiver();
}

void MediaFlow::arm_receiver() {
    const Instant due = feedback_.next_timeout();
    if (due == kNever || due == receiver_armed_at_) {
        return;
    }
    receiver_armed_at_ = due;
    simulator_.at(std::max(due - kClockOffset, simulator_.now()), [this] { send_feedback(); });
}

void MediaFlow::send_feedback() {
    receiver_armed_at_ = kNever;
    const Instant now = simulator_.now();
    feedback_.handle_timeout(now + kClockOffset);
    for (;;) {
        std::array<std::byte, 1200> buffer{};
        rtp::RtcpWriter writer(buffer);
        if (!feedback_.write_feedback(writer, 1, 2)) {
            break;
        }
        send_rtcp(writer.bytes());
    }
    arm_receiver();
}

void MediaFlow::send_rtcp(std::span<const std::byte> packet) {
    const std::vector<std::byte> bytes(packet.begin(), packet.end());
    for (const Instant arrival :
         backward_.pass(simulator_.now(), bytes.size() + kRtcpOverheadBytes)) {
        simulator_.at(arrival + config_.delay, [this, bytes] { handle_rtcp(bytes); });
    }
}

// Tells of all packets up to the newest that arrived; numbers do not wrap in a scenario.
void MediaFlow::send_stream_feedback() {
    receiver_armed_at_ = kNever;
    const Instant now = simulator_.now();
    std::vector<rtp::PacketMetric> metrics;
    for (const auto& [seq, arrived] : arrivals_) {
        // Told of as lost before: this model does not tell again.
        if (seq < tell_from_) {
            continue;
        }
        metrics.resize(static_cast<std::size_t>(seq - tell_from_) + 1);
        const auto offset = std::chrono::duration<double>(now - arrived).count() * 1024;
        metrics.back() = {.received = true, .offset = static_cast<std::uint16_t>(offset)};
    }
    const rtp::RtcpWriter::StreamMetrics stream{
        .ssrc = kSsrc, .begin_seq = tell_from_, .packets = metrics};
    tell_from_ = static_cast<std::uint16_t>(tell_from_ + metrics.size());
    arrivals_.clear();
    std::array<std::byte, 1400> buffer{};
    rtp::RtcpWriter writer(buffer);
    const auto time = static_cast<std::uint32_t>(
        std::chrono::duration<double>((now + kClockOffset).time_since_epoch()).count() * 65'536);
    if (writer.congestion_feedback(1, time, std::span(&stream, 1))) {
        send_rtcp(writer.bytes());
    }
}

void MediaFlow::handle_rtcp(const std::vector<std::byte>& bytes) {
    auto reader = rtp::RtcpReader::parse(bytes);
    while (reader) {
        const auto message = reader->next();
        if (!message) {
            break;
        }
        if (const auto* feedback = std::get_if<rtp::TransportFeedback>(&*message)) {
            controller_.on_transport_feedback(simulator_.now(), *feedback);
        }
        if (const auto* feedback = std::get_if<rtp::CongestionFeedback>(&*message)) {
            controller_.on_congestion_feedback(simulator_.now(), *feedback);
        }
    }
    allocate();
    drive();
}

void MediaFlow::step() {
    const double seconds = std::chrono::duration<double>(kStep).count();
    trace_.steps.push_back({.at = simulator_.now(),
                            .target_bps = static_cast<double>(controller_.target().bps()),
                            .sent_bps = static_cast<double>(step_sent_bytes_) * 8 / seconds,
                            .received_bps = static_cast<double>(step_received_bytes_) * 8 / seconds,
                            .layers_bps = static_cast<double>(allocation_.used.bps())});
    step_sent_bytes_ = 0;
    step_received_bytes_ = 0;
    simulator_.after(kStep, [this] { step(); });
}

}  // namespace isthmus::media::congestion
