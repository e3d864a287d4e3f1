// UDP through real sockets on loopback. On loopback the sender's call runs the receiver's half of
// the stack too, and so costs more than on a network card.
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "media/transport/io/udp_batch_socket.h"
#include "media/transport/run_padding.h"

namespace isthmus::media::transport {
namespace {

constexpr std::size_t kDatagramBytes = 1200;
constexpr std::size_t kReceivers = 16;
constexpr std::size_t kBatch = 256;  // datagrams a call, as a worker's egress batch

UdpBatchSocket open(bool segmentation) {
    auto socket = UdpBatchSocket::open({.bind = {.ip = IpAddress::v4({127, 0, 0, 1}), .port = 0},
                                        .receive_buffer_bytes = 4 << 20,
                                        .send_buffer_bytes = 4 << 20,
                                        .segmentation = segmentation});
    if (!socket) {
        std::abort();
    }
    return std::move(*socket);
}

// `run` datagrams for each of the receivers in turn, until the batch is full.
struct Traffic {
    Traffic(const UdpBatchSocket& from, std::span<const UdpBatchSocket> receivers, std::size_t run)
        : memory(kBatch * kDatagramBytes) {
        for (const UdpBatchSocket& to : receivers) {
            paths.push_back(
                {.local = from.local_address(), .remote = to.local_address(), .link = LinkId{}});
        }
        for (std::size_t i = 0; i < kBatch; ++i) {
            datagrams.push_back(
                {.path = &paths[i / run % paths.size()],
                 .bytes = std::span(memory).subspan(i * kDatagramBytes, kDatagramBytes)});
        }
    }

    std::vector<std::byte> memory;
    std::vector<Path> paths;
    std::vector<OutDatagram> datagrams;
};

std::vector<UdpBatchSocket> open_receivers(bool segmentation) {
    std::vector<UdpBatchSocket> receivers;
    receivers.reserve(kReceivers);
    for (std::size_t i = 0; i < kReceivers; ++i) {
        receivers.push_back(open(segmentation));
    }
    return receivers;
}

void drain(std::span<UdpBatchSocket> sockets) {
    for (UdpBatchSocket& socket : sockets) {
        while (!socket.receive().empty()) {
        }
    }
}

// Items are datagrams. The receivers read outside the measured time.
void udp_send(benchmark::State& state) {
    const auto run = static_cast<std::size_t>(state.range(0));
    const bool gro = state.range(1) != 0;
    UdpBatchSocket sender = open(true);
    std::vector<UdpBatchSocket> receivers = open_receivers(gro);
    const Traffic traffic(sender, receivers, run);
    for (auto _ : state) {
        sender.send(traffic.datagrams);
        state.PauseTiming();
        drain(receivers);
        state.ResumeTiming();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(sender.send_counters().datagrams));
}

// Frames as encoders cut them: eight packets, of which the later four are a byte longer; as they
// are or padded (RunPadding, whose time counts).
void udp_send_uneven(benchmark::State& state) {
    constexpr std::size_t kFramePackets = 8;
    const bool padded = state.range(0) != 0;
    UdpBatchSocket sender = open(true);
    std::vector<UdpBatchSocket> receivers = open_receivers(state.range(1) != 0);
    Traffic traffic(sender, receivers, kFramePackets);
    std::array<RunPacket, kFramePackets> frame{};
    for (auto _ : state) {
        for (std::size_t i = 0; i < kBatch; i += kFramePackets) {
            for (std::size_t j = 0; j < kFramePackets; ++j) {
                frame[j] = {.bytes = static_cast<std::uint16_t>(j < 4 ? 1111 : 1112)};
            }
            if (padded) {
                RunPadding::plan(frame);
            }
            for (std::size_t j = 0; j < kFramePackets; ++j) {
                traffic.datagrams[i + j].bytes =
                    std::span(traffic.memory)
                        .subspan((i + j) * kDatagramBytes)
                        .first(std::size_t{frame[j].bytes} + frame[j].padding_bytes);
            }
        }
        sender.send(traffic.datagrams);
        state.PauseTiming();
        drain(receivers);
        state.ResumeTiming();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(sender.send_counters().datagrams));
}

// Items are packets, in frames of eight as above.
void run_padding(benchmark::State& state) {
    std::array<RunPacket, 8> frame{};
    for (auto _ : state) {
        for (std::size_t j = 0; j < frame.size(); ++j) {
            frame[j] = {.bytes = static_cast<std::uint16_t>(j < 4 ? 1111 : 1112)};
        }
        RunPadding::plan(frame);
        benchmark::DoNotOptimize(frame);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(frame.size()));
}

// Items are datagrams; the time is the receiver's alone.
void udp_receive(benchmark::State& state) {
    const auto run = static_cast<std::size_t>(state.range(0));
    UdpBatchSocket sender = open(run > 1);
    std::vector<UdpBatchSocket> receiver;
    receiver.push_back(open(true));
    const Traffic traffic(sender, receiver, run);
    for (auto _ : state) {
        state.PauseTiming();
        for (std::size_t i = 0; i < kBatch; i += run) {
            sender.send(std::span(traffic.datagrams).subspan(i, run));
        }
        state.ResumeTiming();
        drain(receiver);
    }
    state.SetItemsProcessed(
        static_cast<std::int64_t>(receiver.front().receive_counters().datagrams));
}

BENCHMARK(udp_send)->ArgNames({"run", "gro"})->ArgsProduct({{1, 4, 8, 16}, {0, 1}});
BENCHMARK(udp_send_uneven)->ArgNames({"padded", "gro"})->ArgsProduct({{0, 1}, {0, 1}});
BENCHMARK(run_padding);
BENCHMARK(udp_receive)->ArgName("run")->Arg(1)->Arg(4)->Arg(8)->Arg(16);

}  // namespace
}  // namespace isthmus::media::transport
