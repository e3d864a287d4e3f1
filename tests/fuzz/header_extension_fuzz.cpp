// Any extension block, read by one connection and written for another: what the receiver reads is
// what the publisher said, in the receiver's words, and the header keeps its bound.
// Input: one byte with the first of our ids (the kinds have ids in a row), one with the receiver's,
// the 16-bit profile, the block.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/rtp_header_writer.h"

namespace isthmus::media::rtp {
namespace {

ExtensionIds ids_from(std::uint8_t first) {
    ExtensionIds ids;
    for (std::size_t i = 0; i < kExtensionKinds && first + i <= 255; ++i) {
        ids.set(static_cast<ExtensionKind>(i), static_cast<std::uint8_t>(first + i));
    }
    return ids;
}

void check_rewrite(const HeaderExtensions& said, const ExtensionIds& receiver) {
    constexpr RtpHeaderFields kFields = {.payload_type = 96,
                                         .marker = false,
                                         .seq = 1,
                                         .timestamp = {},
                                         .ssrc = 2,
                                         .transport_sequence = 0x1234,
                                         .abs_send_time = 0x567890};
    std::array<std::byte, kRtpHeaderBytesMax> header{};
    const std::size_t size = RtpHeaderWriter(receiver, "mid").write(kFields, {}, said, header);
    CHECK(size <= header.size());
    const auto view = RtpPacketView::parse(std::span(header).first(size));
    CHECK(view && view->payload.empty());
    const HeaderExtensions read = HeaderExtensionParser(receiver).parse(*view);
    const auto has = [&](ExtensionKind kind) { return receiver.id_of(kind) != 0; };
    CHECK(read.mid == (has(ExtensionKind::kMid) ? "mid" : ""));
    CHECK(read.rid.empty() && read.repaired_rid.empty());
    CHECK(read.transport_sequence.has_value() == has(ExtensionKind::kTransportSequence));
    CHECK(read.abs_send_time.has_value() == has(ExtensionKind::kAbsSendTime));
    if (has(ExtensionKind::kAudioLevel)) {
        CHECK(read.audio_level == said.audio_level);
    }
    if (has(ExtensionKind::kVideoOrientation)) {
        CHECK(read.video_orientation == said.video_orientation);
    }
    if (has(ExtensionKind::kPlayoutDelay)) {
        CHECK(read.playout_delay == said.playout_delay);
    }
    if (has(ExtensionKind::kDependencyDescriptor)) {
        CHECK(std::ranges::equal(read.dependency_descriptor, said.dependency_descriptor));
    }
}

}  // namespace
}  // namespace isthmus::media::rtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace rtp = isthmus::media::rtp;
    const auto input = std::as_bytes(std::span(data, size));
    if (input.size() < 4 || input[0] == std::byte{0} || input[1] == std::byte{0}) {
        return 0;
    }
    rtp::RtpPacketView packet;
    packet.extension_profile = isthmus::load_be16(&input[2]);
    packet.extension = input.subspan(4);
    const auto ours = rtp::ids_from(isthmus::load_u8(&input[0]));
    const auto receiver = rtp::ids_from(isthmus::load_u8(&input[1]));
    rtp::check_rewrite(rtp::HeaderExtensionParser(ours).parse(packet), receiver);
    return 0;
}
