// A sender of layered media with congestion control towards one receiver, and the receiver, over
// two lines that flows may share:
//
//     tracks -> queue, pacer -- forward --> receiver
//     controller, allocator <-- backward -- transport-wide feedback
//
// The sender does what the node does towards one participant: it gets frames of every layer that it
// chose, paces them, pads probes, and chooses layers anew after each feedback. Feedback goes
// through RTCP's writer and reader. A model: no headers are written, nothing is encrypted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "media/congestion/layer_allocator.h"
#include "media/congestion/pacer_queue.h"
#include "media/congestion/send_side_controller.h"
#include "media/rtp/twcc_feedback.h"
#include "tests/simulator/link.h"
#include "tests/simulator/simulator.h"

namespace isthmus::media::congestion {

struct TrackModel {
    MediaKind kind = MediaKind::kCamera;
    std::uint8_t priority = 0;
    std::vector<LayerOption> layers;
    double frames_per_second = 30;
};

// One simulcast track of as many layers as rates.
[[nodiscard]] TrackModel simulcast(std::vector<std::int64_t> kbps);

struct FlowConfig {
    CongestionConfig congestion;
    std::vector<TrackModel> tracks;
    bool audio = true;
    // Besides the shared lines', each way.
    Duration delay{};
    Duration feedback_interval = std::chrono::milliseconds(100);
    // The receiver sends RFC 8888 feedback instead.
    bool feedback_by_stream = false;
};

// What happened, in steps of 100 ms from the flow's beginning.
struct FlowTrace {
    struct Step {
        Instant at;
        double target_bps = 0;
        double sent_bps = 0;
        double received_bps = 0;  // media
        double layers_bps = 0;    // what was chosen takes
    };

    std::vector<Step> steps;

    struct Passage {
        Instant at;
        Duration queued;
    };

    std::vector<Passage> passages;  // of each packet through the forward line
    std::uint64_t packets_sent = 0;
    std::uint64_t packets_lost = 0;
    std::uint64_t media_bytes = 0;
    std::uint64_t padding_bytes = 0;
    std::uint64_t padding_bytes_later = 0;  // after five seconds
    int switches = 0;                       // of layers, by choice
    Duration longest_gap{};                 // between video packets of any layer, while not paused
    Duration longest_wait{};                // in the pacer's queue
};

class MediaFlow {
  public:
    // All outlive the flow.
    MediaFlow(simulator::Simulator& simulator,
              simulator::Link& forward,
              simulator::Link& backward,
              FlowConfig config,
              std::uint64_t seed);

    void start();
    // Nothing is sent, not even audio; and again.
    void pause();
    void resume();

    [[nodiscard]] const FlowTrace& trace() const { return trace_; }

    [[nodiscard]] const SendSideController& controller() const { return controller_; }

    [[nodiscard]] DataRate chosen_rate() const { return allocation_.used; }

  private:
    struct Packet {
        bool is_audio = false;
        Instant queued_at{};
    };

    // A track's stream as it is sent: a new layer begins with the key frame that was asked for.
    struct Stream {
        LayerIndex chosen = kNoLayer;
        LayerIndex sent = kNoLayer;
        Instant key_frame_at = kNever;
    };

    void tick_audio();
    void tick_video(std::size_t track);
    void queue_frame(std::size_t track, double bytes);
    void allocate();
    void drive();
    void arm();
    void wake();
    void send(std::size_t bytes, ProbeClusterId probe, bool is_padding, bool is_video);
    void send_probe(const ProbeSend& probe);
    void receive(std::uint16_t seq, std::size_t bytes, bool is_padding, bool is_video);
    void arm_receiver();
    void send_feedback();
    void send_stream_feedback();
    void send_rtcp(std::span<const std::byte> bytes);
    void handle_rtcp(const std::vector<std::byte>& bytes);
    void step();
    [[nodiscard]] double noise();

    simulator::Simulator& simulator_;
    simulator::Link& forward_;
    simulator::Link& backward_;
    FlowConfig config_;
    SeededRandom random_;
    SendSideController controller_;
    Pacer pacer_;
    PacerPool<Packet> pool_{8192};
    PacerQueue<Packet> queue_;
    LayerAllocator allocator_;
    std::vector<Stream> streams_;
    Allocation allocation_;
    rtp::TwccFeedback feedback_;
    std::uint16_t seq_;
    bool paused_ = false;
    Instant armed_at_ = kNever;
    Instant receiver_armed_at_ = kNever;
    // For RFC 8888: arrivals since the last feedback, by RTP sequence number (the transport-wide
    // one, moved), and the first number that was not told of.
    std::map<std::uint16_t, Instant> arrivals_;
    std::uint16_t tell_from_ = 0;
    Instant started_at_{};
    std::optional<Instant> last_video_at_;
    std::uint64_t step_sent_bytes_ = 0;
    std::uint64_t step_received_bytes_ = 0;
    FlowTrace trace_;
};

}  // namespace isthmus::media::congestion
