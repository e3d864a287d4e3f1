// What congestion control costs per packet and receiver. Items are packets.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/congestion/layer_allocator.h"
#include "media/congestion/pacer_queue.h"
#include "media/congestion/send_side_controller.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"

namespace isthmus::media::congestion {
namespace {

using std::chrono::milliseconds;

// Frames of eight packets at 30 fps, feedback each 100 ms.
constexpr int kPacketsPerFrame = 8;
constexpr int kFramesPerFeedback = 3;
constexpr int kPacketsPerFeedback = kPacketsPerFrame * kFramesPerFeedback;
constexpr Duration kFrame = std::chrono::microseconds(33'333);

class Receiver {
  public:
    explicit Receiver(const CongestionConfig& config) : controller_(config) {}

    void send_frame(Instant now) {
        for (int i = 0; i < kPacketsPerFrame; ++i) {
            controller_.on_packet_sent(now, {.seq = seq_++, .bytes = 1200});
        }
    }

    // As the driver gets it: read, then handed over. `packet` is of make_feedback().
    void hear(Instant now, std::span<std::byte> packet) {
        store_be16(&packet[12], static_cast<std::uint16_t>(seq_ - kPacketsPerFeedback));
        store_be24(
            &packet[16],
            static_cast<std::uint32_t>(now.time_since_epoch() / milliseconds(64)) & 0xff'ffffU);
        auto reader = rtp::RtcpReader::parse(packet);
        const auto message = reader->next();
        CHECK(message.has_value());
        controller_.on_transport_feedback(now, std::get<rtp::TransportFeedback>(*message));
        if (now >= controller_.next_timeout()) {
            controller_.handle_timeout(now);
        }
        benchmark::DoNotOptimize(controller_.poll_probe(now));
    }

  private:
    SendSideController controller_;
    std::uint16_t seq_ = 0;
};

// Of three frames that arrive as bursts; numbers and time are filled in later.
std::vector<std::byte> make_feedback() {
    std::vector<std::int32_t> deltas;
    deltas.reserve(kPacketsPerFeedback);
    for (int i = 0; i < kPacketsPerFeedback; ++i) {
        deltas.push_back(i % kPacketsPerFrame == 0 ? 126 : 1);
    }
    std::vector<std::byte> packet(1200);
    rtp::RtcpWriter writer(packet);
    CHECK(writer.transport_feedback({}, deltas));
    packet.resize(writer.size());
    return packet;
}

// All that happens per packet: sent, told of, reckoned with, reading the feedback included.
// `range(0)` receivers with state of their own.
void control(benchmark::State& state) {
    std::vector<Receiver> receivers;
    CongestionConfig config;
    receivers.reserve(static_cast<std::size_t>(state.range(0)));
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        receivers.emplace_back(config);
    }
    std::vector<std::byte> packet = make_feedback();
    Instant now = Instant{} + std::chrono::hours(1);
    int frame = 0;
    for (auto _ : state) {
        for (Receiver& receiver : receivers) {
            receiver.send_frame(now);
        }
        if (++frame % kFramesPerFeedback == 0) {
            for (Receiver& receiver : receivers) {
                receiver.hear(now + milliseconds(20), packet);
            }
        }
        now += kFrame;
    }
    state.SetItemsProcessed(state.iterations() * state.range(0) * kPacketsPerFrame);
    state.SetLabel("receivers: " + std::to_string(state.range(0)));
}

BENCHMARK(control)->Name("CongestionControl")->Arg(1)->Arg(400);

void record_sent(benchmark::State& state) {
    SendSideController controller({});
    Instant now = Instant{} + std::chrono::hours(1);
    std::uint16_t seq = 0;
    for (auto _ : state) {
        now += std::chrono::microseconds(100);
        controller.on_packet_sent(now, {.seq = seq++, .bytes = 1200});
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(record_sent)->Name("RecordSentPacket");

void pace(benchmark::State& state) {
    Pacer pacer({}, DataRate::kbps(7500));
    PacerPool<std::uint64_t> pool(4096);
    PacerQueue<std::uint64_t> queue(pool, 512);
    Instant now = Instant{} + std::chrono::hours(1);
    for (auto _ : state) {
        for (std::uint64_t i = 0; i < kPacketsPerFrame; ++i) {
            benchmark::DoNotOptimize(queue.push(now, DataSize::bytes(1200), i));
        }
        while (!queue.empty()) {
            now = queue.next_release(now, pacer);
            queue.release(
                now, pacer, [](std::uint64_t entry, DataSize) { benchmark::DoNotOptimize(entry); });
        }
        now += kFrame;
    }
    state.SetItemsProcessed(state.iterations() * kPacketsPerFrame);
}

BENCHMARK(pace)->Name("PacePacket");

// Items are allocations.
void allocate(benchmark::State& state) {
    const std::array layers = {LayerOption{.rate = DataRate::kbps(150)},
                               LayerOption{.rate = DataRate::kbps(500)},
                               LayerOption{.rate = DataRate::kbps(1500)}};
    std::vector<LayerRequest> requests(static_cast<std::size_t>(state.range(0)),
                                       LayerRequest{.layers = layers});
    LayerAllocator allocator;
    Instant now = Instant{} + std::chrono::hours(1);
    for (auto _ : state) {
        now += milliseconds(100);
        benchmark::DoNotOptimize(allocator.allocate(now, DataRate::kbps(4000), requests));
        for (LayerRequest& request : requests) {
            request.current = request.chosen;
        }
    }
    state.SetItemsProcessed(state.iterations());
    state.SetLabel("subscriptions: " + std::to_string(state.range(0)));
}

BENCHMARK(allocate)->Name("AllocateLayers")->Arg(1)->Arg(9)->Arg(50);

}  // namespace
}  // namespace isthmus::media::congestion
