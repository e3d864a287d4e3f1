// RTCP as browsers send it. Items are compound packets.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"

namespace isthmus::media::rtp {
namespace {

enum class Kind : std::uint8_t { kReports, kNack, kFeedback };

void write(Kind kind, RtcpWriter& writer) {
    static const std::array<ReportBlock, 4> kBlocks{};
    static const std::array<std::uint32_t, 2> kSsrcs{1, 2};
    static const std::vector<std::int32_t> kDeltas(30, 13);
    static const std::array<ExtendedSeq, 4> kLost{
        ExtendedSeq{7}, ExtendedSeq{9}, ExtendedSeq{40}, ExtendedSeq{41}};
    bool written = false;
    switch (kind) {
        case Kind::kReports:
            written = writer.receiver_report(1, kBlocks) && writer.cname(1, "0123456789abcdef") &&
                      writer.remb(1, 2'500'000, kSsrcs);
            break;
        case Kind::kNack:
            written = writer.nack(1, 2, kLost);
            break;
        case Kind::kFeedback:
            written = writer.transport_feedback({}, kDeltas);
            break;
    }
    CHECK(written);
}

void label(benchmark::State& state, Kind kind) {
    constexpr std::array kNames = {"RR of 4, CNAME, REMB", "NACK of 4", "feedback on 30 packets"};
    state.SetItemsProcessed(state.iterations());
    state.SetLabel(kNames[static_cast<std::size_t>(kind)]);
}

void read_rtcp(benchmark::State& state) {
    const auto kind = static_cast<Kind>(state.range(0));
    std::array<std::byte, 1200> buffer{};
    RtcpWriter writer(buffer);
    write(kind, writer);
    for (auto _ : state) {
        auto reader = RtcpReader::parse(writer.bytes());
        while (const auto message = reader->next()) {
            benchmark::DoNotOptimize(message);
        }
    }
    label(state, kind);
}

BENCHMARK(read_rtcp)->Name("ReadRtcp")->DenseRange(0, 2);

void write_rtcp(benchmark::State& state) {
    const auto kind = static_cast<Kind>(state.range(0));
    std::array<std::byte, 1200> buffer{};
    for (auto _ : state) {
        RtcpWriter writer(buffer);
        write(kind, writer);
        benchmark::DoNotOptimize(writer.bytes().data());
        benchmark::ClobberMemory();
    }
    label(state, kind);
}

BENCHMARK(write_rtcp)->Name("WriteRtcp")->DenseRange(0, 2);

}  // namespace
}  // namespace isthmus::media::rtp
