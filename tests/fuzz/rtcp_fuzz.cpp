// Any bytes as RTCP: every message reads to its end, and those that the writer can write come out
// of it as they went in.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/check.h"
#include "media/rtp/rtcp_reader.h"
#include "media/rtp/rtcp_writer.h"

namespace isthmus::media::rtp {
namespace {

template <typename T>
std::vector<T> items_of(const WireList<T>& list) {
    return {list.begin(), list.end()};
}

std::vector<std::uint32_t> ssrcs_of(const WireList<SsrcItem>& list) {
    std::vector<std::uint32_t> ssrcs;
    for (const SsrcItem item : list) {
        ssrcs.push_back(item.ssrc);
    }
    return ssrcs;
}

std::vector<std::uint16_t> numbers_of(const Nack& nack) {
    std::vector<std::uint16_t> numbers;
    nack.for_each([&](std::uint16_t seq) { numbers.push_back(seq); });
    return numbers;
}

std::vector<std::int32_t> deltas_of(const TransportFeedback& feedback) {
    std::vector<std::int32_t> deltas;
    CHECK(feedback.for_each([&](std::uint16_t, std::optional<std::int32_t> delta) {
        deltas.push_back(delta.value_or(RtcpWriter::kNotReceived));
    }));
    CHECK(deltas.size() == feedback.status_count);
    return deltas;
}

// The message as the reader gets it back from the writer.
template <typename T>
T read_back(const RtcpWriter& writer) {
    auto reader = RtcpReader::parse(writer.bytes());
    CHECK(reader.has_value());
    const auto message = reader->next();
    CHECK(message && std::holds_alternative<T>(*message) && !reader->next());
    CHECK(reader->malformed() == 0 && reader->unknown() == 0);
    return std::get<T>(*message);
}

struct RoundTrip {
    RtcpWriter writer;

    void operator()(const SenderReport& report) {
        const auto blocks = items_of(report.blocks);
        CHECK(writer.sender_report(report.ssrc, report.info, blocks));
        const auto again = read_back<SenderReport>(writer);
        CHECK(again.info == report.info && items_of(again.blocks) == blocks);
    }

    void operator()(const ReceiverReport& report) {
        const auto blocks = items_of(report.blocks);
        CHECK(writer.receiver_report(report.ssrc, blocks));
        CHECK(items_of(read_back<ReceiverReport>(writer).blocks) == blocks);
    }

    void operator()(const CanonicalName& name) {
        CHECK(writer.cname(name.ssrc, name.cname));
        CHECK(read_back<CanonicalName>(writer).cname == name.cname);
    }

    void operator()(const Goodbye& bye) {
        const auto ssrcs = ssrcs_of(bye.ssrcs);
        CHECK(writer.bye(ssrcs));
        CHECK(ssrcs_of(read_back<Goodbye>(writer).ssrcs) == ssrcs);
    }

    void operator()(const Nack& nack) {
        std::vector<std::uint16_t> numbers = numbers_of(nack);
        std::ranges::sort(numbers);
        numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
        std::vector<ExtendedSeq> seqs;
        seqs.reserve(numbers.size());
        for (const std::uint16_t number : numbers) {
            seqs.push_back(ExtendedSeq{number});
        }
        CHECK(writer.nack(nack.sender_ssrc, nack.media_ssrc, seqs));
        CHECK(numbers_of(read_back<Nack>(writer)) == numbers);
    }

    void operator()(const PictureLoss& loss) {
        CHECK(writer.pli(loss.sender_ssrc, loss.media_ssrc));
        CHECK(read_back<PictureLoss>(writer).media_ssrc == loss.media_ssrc);
    }

    void operator()(const FullIntraRequest& request) {
        const auto items = items_of(request.items);
        CHECK(writer.fir(request.sender_ssrc, items));
        CHECK(items_of(read_back<FullIntraRequest>(writer).items) == items);
    }

    void operator()(const Remb& remb) {
        const auto ssrcs = ssrcs_of(remb.ssrcs);
        CHECK(writer.remb(remb.sender_ssrc, remb.bitrate_bps, ssrcs));
        const auto again = read_back<Remb>(writer);
        CHECK(again.bitrate_bps == remb.bitrate_bps && ssrcs_of(again.ssrcs) == ssrcs);
    }

    void operator()(const TransportFeedback& feedback) {
        const auto deltas = deltas_of(feedback);
        if (deltas.empty()) {
            return;
        }
        CHECK(writer.transport_feedback(feedback, deltas));
        const auto again = read_back<TransportFeedback>(writer);
        CHECK(again.reference_64ms == feedback.reference_64ms);
        CHECK(again.base_seq == feedback.base_seq && deltas_of(again) == deltas);
    }

    void operator()(const CongestionFeedback& feedback) {
        std::vector<std::vector<PacketMetric>> metrics;
        std::vector<RtcpWriter::StreamMetrics> streams;
        CHECK(feedback.for_each_block([&](const CongestionBlock& block) {
            metrics.push_back(items_of(block.packets));
            streams.push_back({.ssrc = block.ssrc, .begin_seq = block.begin_seq, .packets = {}});
        }));
        for (std::size_t i = 0; i < streams.size(); ++i) {
            streams[i].packets = metrics[i];
        }
        CHECK(writer.congestion_feedback(feedback.sender_ssrc, feedback.report_time, streams));
        const auto again = read_back<CongestionFeedback>(writer);
        CHECK(again.report_time == feedback.report_time);
        std::size_t at = 0;
        CHECK(again.for_each_block([&](const CongestionBlock& block) {
            CHECK(block.ssrc == streams[at].ssrc && block.begin_seq == streams[at].begin_seq);
            CHECK(items_of(block.packets) == metrics[at]);
            ++at;
        }));
        CHECK(at == streams.size());
    }

    void operator()(const ReceiverReferenceTime& reference) {
        CHECK(writer.receiver_reference_time(reference.ssrc, reference.ntp));
        CHECK(read_back<ReceiverReferenceTime>(writer).ntp == reference.ntp);
    }

    void operator()(const Dlrr& dlrr) {
        const auto items = items_of(dlrr.items);
        if (items.empty()) {
            return;
        }
        CHECK(writer.dlrr(dlrr.ssrc, items));
        CHECK(items_of(read_back<Dlrr>(writer).items) == items);
    }
};

}  // namespace
}  // namespace isthmus::media::rtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using isthmus::media::rtp::RoundTrip;
    using isthmus::media::rtp::RtcpReader;
    using isthmus::media::rtp::RtcpWriter;
    auto reader = RtcpReader::parse(std::as_bytes(std::span(data, size)));
    if (!reader) {
        return 0;
    }
    // A length field can say at most 256 KiB.
    static std::array<std::byte, std::size_t{256} * 1024> buffer;
    std::size_t messages = 0;
    while (const auto message = reader->next()) {
        std::visit(RoundTrip{RtcpWriter(buffer)}, *message);
        ++messages;
    }
    CHECK(messages + reader->malformed() + reader->unknown() <= size / 4);
    return 0;
}
