// What the state of a received stream costs per packet. Items are packets.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <benchmark/benchmark.h>

#include "media/rtp/nack_generator.h"
#include "media/rtp/receive_stream.h"
#include "media/rtp/retransmission_cache.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/twcc_feedback.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

// 300 packets a second: about 2.8 Mbit/s of video.
constexpr Duration kSpacing = std::chrono::microseconds(3333);

void store_packet(benchmark::State& state) {
    const Bytes bytes = make_rtp({.payload = Bytes(static_cast<std::size_t>(state.range(0)))});
    const auto view = *RtpPacketView::parse(bytes);
    RetransmissionCache cache({});
    ExtendedSeq seq = make_extended_seq(1, 0);
    Instant now{};
    for (auto _ : state) {
        benchmark::DoNotOptimize(cache.store(now, seq, view));
        seq = advance(seq, 1);
        now += kSpacing;
    }
    state.SetItemsProcessed(state.iterations());
    state.SetLabel(std::to_string(state.range(0)) + " bytes");
}

BENCHMARK(store_packet)->Name("StoreInCache")->Arg(160)->Arg(1200);

void find_packet(benchmark::State& state) {
    const Bytes bytes = make_rtp({.payload = Bytes(1200)});
    const auto view = *RtpPacketView::parse(bytes);
    RetransmissionCache cache({});
    const ExtendedSeq first = make_extended_seq(1, 0);
    for (std::int64_t i = 0; i < 256; ++i) {
        benchmark::DoNotOptimize(cache.store(Instant{}, advance(first, i), view));
    }
    std::int64_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(cache.find(Instant{}, advance(first, ++i % 256)));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(find_packet)->Name("FindInCache");

// `range(0)` of 1000 packets are lost and come again 50 ms later.
void generate_nacks(benchmark::State& state) {
    constexpr std::int64_t kRepairedAfter = 15;  // packets: 50 ms
    NackGenerator nacks({});
    const auto lost = [&state](ExtendedSeq seq) {
        return static_cast<std::int64_t>(value_of(seq) * 7919 % 1000) < state.range(0);
    };
    ExtendedSeq seq = make_extended_seq(1, 0);
    Instant now{};
    for (auto _ : state) {
        if (now >= nacks.next_timeout()) {
            nacks.handle_timeout(now);
        }
        if (!lost(seq)) {
            nacks.on_packet(now, seq);
        }
        const ExtendedSeq repaired = advance(seq, -kRepairedAfter);
        if (lost(repaired)) {
            nacks.on_packet(now, repaired);
        }
        while (const auto batch = nacks.poll_nack()) {
            benchmark::DoNotOptimize(batch->data());
        }
        seq = advance(seq, 1);
        now += kSpacing;
    }
    state.SetItemsProcessed(state.iterations());
    state.SetLabel(std::to_string(state.range(0) / 10) + " % lost");
}

BENCHMARK(generate_nacks)->Name("GenerateNacks")->Arg(0)->Arg(50);

void receive_packet(benchmark::State& state) {
    const Bytes bytes = make_rtp({.payload = Bytes(1200)});
    auto view = *RtpPacketView::parse(bytes);
    ReceiveStream stream(1, 90000);
    Instant now{};
    for (auto _ : state) {
        ++view.seq;
        view.timestamp = advance(view.timestamp, 300);
        now += kSpacing;
        benchmark::DoNotOptimize(stream.on_packet(now, view));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(receive_packet)->Name("UpdateReceiveStream");

// 30 packets in each message, as at 2.8 Mbit/s.
void tell_arrivals(benchmark::State& state) {
    TwccFeedback feedback;
    std::array<std::byte, 1200> buffer{};
    std::uint16_t seq = 0;
    Instant now{};
    for (auto _ : state) {
        now += kSpacing;
        if (now >= feedback.next_timeout()) {
            feedback.handle_timeout(now);
            RtcpWriter writer(buffer);
            benchmark::DoNotOptimize(feedback.write_feedback(writer, 1, 2));
        }
        feedback.on_packet(now, ++seq);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(tell_arrivals)->Name("TellArrivals");

}  // namespace
}  // namespace isthmus::media::rtp
