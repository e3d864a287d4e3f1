// One packet taken apart, and its header written for a receiver. Items are packets, for the
// rewriting (packet x receiver).
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/key_frame.h"
#include "media/rtp/rtp_header_writer.h"
#include "media/rtp/rtp_packet.h"
#include "media/rtp/sequence_rewriter.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

// As Chromium numbers them.
ExtensionIds chromium_ids() {
    ExtensionIds ids;
    ids.set(ExtensionKind::kAudioLevel, 1);
    ids.set(ExtensionKind::kAbsSendTime, 2);
    ids.set(ExtensionKind::kTransportSequence, 3);
    ids.set(ExtensionKind::kMid, 4);
    ids.set(ExtensionKind::kPlayoutDelay, 5);
    ids.set(ExtensionKind::kRid, 10);
    ids.set(ExtensionKind::kRepairedRid, 11);
    ids.set(ExtensionKind::kDependencyDescriptor, 12);
    ids.set(ExtensionKind::kVideoOrientation, 13);
    return ids;
}

// A 1200-byte packet of a Chromium publisher: send time, transport-wide number, mid.
Bytes video_packet() {
    return make_rtp({.extension_profile = kOneByteExtensionProfile,
                     .extension = bytes({0x22, 1, 2, 3, 0x31, 0, 7, 0x40, '1', 0, 0, 0}),
                     .payload = Bytes(1172, std::byte{0x90})});
}

// The same with a dependency descriptor of a key frame: the two-byte form.
Bytes packet_with_long_descriptor() {
    Bytes extension = bytes({2, 3, 1, 2, 3, 3, 2, 0, 7, 4, 1, '1', 12, 32});
    extension.resize(48);
    return make_rtp({.extension_profile = kTwoByteExtensionProfile,
                     .extension = extension,
                     .payload = Bytes(1172)});
}

void parse_rtp(benchmark::State& state) {
    const Bytes packet = video_packet();
    for (auto _ : state) {
        benchmark::DoNotOptimize(RtpPacketView::parse(packet));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(parse_rtp)->Name("ParseRtp");

void parse_extensions(benchmark::State& state) {
    const Bytes packet = state.range(0) == 0 ? video_packet() : packet_with_long_descriptor();
    const auto view = *RtpPacketView::parse(packet);
    const HeaderExtensionParser parser(chromium_ids());
    for (auto _ : state) {
        benchmark::DoNotOptimize(parser.parse(view));
    }
    state.SetItemsProcessed(state.iterations());
    state.SetLabel(state.range(0) == 0 ? "one-byte" : "two-byte");
}

BENCHMARK(parse_extensions)->Name("ParseHeaderExtensions")->Arg(0)->Arg(1);

void write_header(benchmark::State& state) {
    const Bytes packet = state.range(0) == 0 ? video_packet() : packet_with_long_descriptor();
    const auto view = *RtpPacketView::parse(packet);
    const HeaderExtensions values = HeaderExtensionParser(chromium_ids()).parse(view);
    const RtpHeaderWriter writer(chromium_ids(), "3");
    std::array<std::byte, kRtpHeaderBytesMax> out{};
    RtpHeaderFields fields{.payload_type = 96, .ssrc = 0xabcd};
    for (auto _ : state) {
        ++fields.seq;
        benchmark::DoNotOptimize(writer.write(fields, view.csrcs, values, out));
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
    state.SetLabel(state.range(0) == 0 ? "one-byte" : "two-byte");
}

BENCHMARK(write_header)->Name("RewriteHeader")->Arg(0)->Arg(1);

// All that happens per (packet x receiver) here: numbering and header, for `range(0)` receivers
// with state of their own, so that the caches see what they see in a worker.
void rewrite_for_receivers(benchmark::State& state) {
    struct Receiver {
        SequenceRewriter rewriter{{.seq = 100, .timestamp = {}}};
        RtpHeaderWriter writer{chromium_ids(), "3"};
        std::uint16_t transport_sequence = 0;
    };

    const Bytes packet = video_packet();
    const auto view = *RtpPacketView::parse(packet);
    const HeaderExtensions values = HeaderExtensionParser(chromium_ids()).parse(view);
    std::vector<Receiver> receivers(static_cast<std::size_t>(state.range(0)));
    ExtendedSeq seq = make_extended_seq(1, 0);
    for (Receiver& receiver : receivers) {
        receiver.rewriter.switch_source(at_ms(0), {.source = 1, .seq = seq});
    }
    std::vector<std::array<std::byte, kRtpHeaderBytesMax>> out(receivers.size());
    for (auto _ : state) {
        for (std::size_t i = 0; i < receivers.size(); ++i) {
            Receiver& receiver = receivers[i];
            const auto to =
                receiver.rewriter.rewrite(at_ms(0), {.source = 1, .seq = seq}, view.timestamp);
            CHECK(to.has_value());
            benchmark::DoNotOptimize(
                receiver.writer.write({.payload_type = 96,
                                       .marker = view.marker,
                                       .seq = seq16_of(to->seq),
                                       .timestamp = to->timestamp,
                                       .ssrc = 0xabcd,
                                       .transport_sequence = ++receiver.transport_sequence,
                                       .abs_send_time = 1},
                                      view.csrcs,
                                      values,
                                      out[i]));
        }
        seq = advance(seq, 1);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(rewrite_for_receivers)->Name("RewriteForReceivers")->Arg(1)->Arg(64)->Arg(1000);

void find_key_frame(benchmark::State& state) {
    const auto codec = static_cast<Codec>(state.range(0));
    Bytes payload(1100);
    payload[0] = std::byte{0x90};
    payload[1] = std::byte{0xe0};
    for (auto _ : state) {
        benchmark::DoNotOptimize(is_key_frame_start(codec, payload));
    }
    state.SetItemsProcessed(state.iterations());
    state.SetLabel(std::string(name_of(codec)));
}

BENCHMARK(find_key_frame)
    ->Name("FindKeyFrame")
    ->Arg(static_cast<int>(Codec::kVp8))
    ->Arg(static_cast<int>(Codec::kVp9))
    ->Arg(static_cast<int>(Codec::kAv1))
    ->Arg(static_cast<int>(Codec::kH264));

}  // namespace
}  // namespace isthmus::media::rtp
