// One publisher, N viewers, a whole worker: decrypt, route, store, rewrite, encrypt for everybody
// and send. A frame is K packets of 1200 bytes that arrive as one batch.
//
// Items are packets x viewers. Time is CPU time of this thread for the worker's part alone: what
// the publisher does to make the packets is not counted. "Simulated" ends in a sink that counts;
// "Loopback" in the kernel, on sockets of receivers that do not read. "Paced" is Loopback to
// receivers with transport-wide feedback and a bandwidth of so many Mbit/s each: the pacer then
// decides how many packets of a frame go as one message.
#include <deque>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <spdlog/fmt/fmt.h>

#include "base/check.h"
#include "benchmarks/media/worker/counting_sink.h"
#include "media/transport/io/udp_batch_socket.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;

// Sends to one loopback socket per viewer, in the place of the simulated addresses.
class LoopbackSink final : public transport::DatagramSink {
  public:
    explicit LoopbackSink(std::size_t viewers) {
        for (std::size_t i = 0; i < viewers + 2; ++i) {
            receivers_.push_back(open());
            paths_.push_back({.local = socket_.local_address(),
                              .remote = receivers_.back().local_address(),
                              .link = {0}});
        }
    }

    void send(std::span<const transport::OutDatagram> datagrams) override {
        redirected_.clear();
        for (const transport::OutDatagram& one : datagrams) {
            // Meeting numbers its hosts from port 40001 on.
            const std::size_t host = one.path->remote.port - 40000U;
            redirected_.push_back({.path = &paths_.at(host - 1), .bytes = one.bytes});
        }
        socket_.send(redirected_);
        count += datagrams.size();
    }

    [[nodiscard]] const transport::UdpSendCounters& counters() const {
        return socket_.send_counters();
    }

    std::uint64_t count = 0;

  private:
    static transport::UdpBatchSocket open() {
        auto socket = transport::UdpBatchSocket::open(
            {.bind = {.ip = transport::IpAddress::v4({127, 0, 0, 1}), .port = 0}});
        CHECK(socket.has_value());
        return *std::move(socket);
    }

    transport::UdpBatchSocket socket_ = open();
    std::deque<transport::UdpBatchSocket> receivers_;
    std::vector<transport::Path> paths_;
    std::vector<transport::OutDatagram> redirected_;
};

// A connected meeting, and the publisher's packets as they come from the network.
class Stage {
  public:
    explicit Stage(int viewers, WorkerCoreConfig config = {}, bool paced = false)
        : meeting_(1, std::move(config)) {
        sfu::MediaSection watched = video_section(Direction::kSend);
        if (paced) {
            watched.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
        }
        publisher_ = std::make_unique<Joined>(
            meeting_.join_connected("alice", {video_section(Direction::kReceive)}));
        for (int i = 0; i < viewers; ++i) {
            viewers_.push_back(std::make_unique<Joined>(
                meeting_.join_connected("viewer" + std::to_string(i), {watched})));
        }
        meeting_.run_for(std::chrono::seconds(1));
        now_ = meeting_.simulator().now();
        path_ = *publisher_->client->ice().selected_path();
        std::swap(path_.local, path_.remote);
    }

    // Encrypted packets of one frame; the first ever begins a key frame.
    void make_frame(int packets) {
        frame_.clear();
        for (int i = 0; i < packets; ++i) {
            RtpToSend packet{.seq = seq_,
                             .timestamp = timestamp_,
                             .ssrc = 1,
                             .marker = i + 1 == packets,
                             .payload = vp8_payload(seq_ == 0 && first_, 1)};
            packet.payload.resize(1160);
            CHECK(publisher_->client->ice().send_rtp(make_rtp(packet)));
            const auto datagram = publisher_->client->ice().poll_datagram();
            CHECK(datagram.has_value());
            frame_.emplace_back(datagram->bytes.begin(), datagram->bytes.end());
            ++seq_;
        }
        first_ = false;
        timestamp_ += 3000;
    }

    // Returns the worker's CPU seconds.
    double forward(transport::DatagramSink& sink) {
        batch_.clear();
        for (std::vector<std::byte>& bytes : frame_) {
            batch_.push_back({.path = &path_, .bytes = bytes});
        }
        now_ += std::chrono::milliseconds(1);
        const double before = thread_seconds();
        meeting_.core().handle_datagrams(now_, batch_, sink);
        // Until the next frame, the worker wakes as its timers want.
        const Instant next_frame = now_ + std::chrono::milliseconds(32);
        while (meeting_.core().next_timeout() <= next_frame) {
            now_ = std::max(now_, meeting_.core().next_timeout());
            meeting_.core().handle_timeout(now_, sink);
        }
        now_ = next_frame;
        return thread_seconds() - before;
    }

  private:
    Meeting meeting_;
    std::unique_ptr<Joined> publisher_;
    std::vector<std::unique_ptr<Joined>> viewers_;
    transport::Path path_;
    std::vector<std::vector<std::byte>> frame_;
    std::vector<transport::InDatagram> batch_;
    std::uint16_t seq_ = 0;
    std::uint32_t timestamp_ = 0;
    bool first_ = true;
    Instant now_{};
};

template <typename Sink>
void run(benchmark::State& state, Sink& sink, Stage& stage) {
    const auto viewers = static_cast<int>(state.range(0));
    const auto packets = static_cast<int>(state.range(1));
    // The frame that the viewers begin with.
    stage.make_frame(packets);
    stage.forward(sink);
    const std::uint64_t before = sink.count;
    for (auto _ : state) {
        stage.make_frame(packets);
        state.SetIterationTime(stage.forward(sink));
    }
    const auto sent = static_cast<std::int64_t>(sink.count - before);
    CHECK(sent >= state.iterations() * viewers * packets);
    state.SetItemsProcessed(state.iterations() * viewers * packets);
}

void forward_simulated(benchmark::State& state) {
    CountingSink sink;
    Stage stage(static_cast<int>(state.range(0)));
    run(state, sink, stage);
}

void label_segments(benchmark::State& state, const LoopbackSink& sink) {
    state.SetLabel(fmt::format("{:.1f} packets a message",
                               static_cast<double>(sink.counters().datagrams) /
                                   static_cast<double>(sink.counters().messages)));
}

void forward_loopback(benchmark::State& state) {
    LoopbackSink sink(static_cast<std::size_t>(state.range(0)));
    Stage stage(static_cast<int>(state.range(0)));
    run(state, sink, stage);
    label_segments(state, sink);
}

void forward_paced(benchmark::State& state) {
    LoopbackSink sink(static_cast<std::size_t>(state.range(0)));
    const DataRate rate = DataRate::kbps(1000 * state.range(2));
    Stage stage(static_cast<int>(state.range(0)),
                {.congestion = {.start = rate, .min = rate, .max = rate}},
                true);
    run(state, sink, stage);
    label_segments(state, sink);
}

void shapes(benchmark::internal::Benchmark* benchmark) {
    for (const int viewers : {1, 10, 100, 400}) {
        for (const int packets : {1, 4, 8}) {
            benchmark->Args({viewers, packets});
        }
    }
    benchmark->ArgNames({"viewers", "packets"})->UseManualTime()->Iterations(200);
}

BENCHMARK(forward_simulated)->Name("ForwardSimulated")->Apply(shapes);
BENCHMARK(forward_loopback)->Name("ForwardLoopback")->Apply(shapes);
// One of 720p, 2.3 Mbit/s: the estimate is a little above, or far above.
BENCHMARK(forward_paced)
    ->Name("ForwardPaced")
    ->Args({400, 8, 3})
    ->Args({400, 8, 20})
    ->ArgNames({"viewers", "packets", "mbps"})
    ->UseManualTime()
    ->Iterations(200);

}  // namespace
}  // namespace isthmus::media::testing
