// What redundancy costs beside the packet that it goes with: FlexFEC's exclusive or of one packet,
// the repair packet of a group, and the earlier frames of RED.
#include <array>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/byte_order.h"
#include "media/rtp/flexfec.h"
#include "media/rtp/red.h"

namespace isthmus::media::rtp {
namespace {

// Items are media packets of 1200 bytes in groups of `packets`, the repair packet included.
void flexfec_protect(benchmark::State& state) {
    const auto packets = static_cast<std::size_t>(state.range(0));
    std::array<std::byte, 36> header{};
    header[0] = std::byte{0x90};
    const std::vector<std::byte> payload(1164, std::byte{0x5A});
    const auto group = std::make_unique<FlexfecGroup>();
    std::vector<std::byte> repair(1500);
    std::uint64_t seq = 0;
    for (auto _ : state) {
        group->clear();
        for (std::size_t i = 0; i < packets; ++i) {
            store_be16(&header[2], static_cast<std::uint16_t>(seq));
            group->add(ExtendedSeq{seq++}, {.header = header, .prefix = {}, .payload = payload});
        }
        benchmark::DoNotOptimize(group->write(1, repair));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(flexfec_protect)->Name("FlexfecProtect")->Arg(3)->Arg(5)->Arg(10)->ArgName("packets");

// Items are packets of Opus of 80 bytes with `earlier` frames before them.
void red_prefix(benchmark::State& state) {
    const std::vector<std::byte> frame(80, std::byte{0x5A});
    std::array<EarlierFrame, 2> earlier{{{.timestamp_offset = 1920, .payload = frame},
                                         {.timestamp_offset = 960, .payload = frame}}};
    const auto frames =
        std::span<const EarlierFrame>(earlier).last(static_cast<std::size_t>(state.range(0)));
    std::array<std::byte, 600> out{};
    for (auto _ : state) {
        benchmark::DoNotOptimize(write_red_prefix(111, frames, out));
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(red_prefix)->Name("RedPrefix")->Arg(1)->Arg(2)->ArgName("earlier");

void red_parse(benchmark::State& state) {
    const std::vector<std::byte> frame(80, std::byte{0x5A});
    const EarlierFrame earlier{.timestamp_offset = 960, .payload = frame};
    std::vector<std::byte> packet(600);
    packet.resize(write_red_prefix(111, {&earlier, 1}, packet));
    packet.insert(packet.end(), frame.begin(), frame.end());
    for (auto _ : state) {
        benchmark::DoNotOptimize(RedPayload::parse(packet));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(red_parse)->Name("RedParse");

}  // namespace
}  // namespace isthmus::media::rtp
