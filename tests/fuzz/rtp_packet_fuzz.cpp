// Any bytes as an RTP packet: what parses lies within the packet, is the same out of the
// retransmission cache, and survives being sent as a retransmission and restored.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "media/rtp/retransmission_cache.h"
#include "media/rtp/rtp_packet.h"
#include "media/rtp/rtx.h"

namespace isthmus::media::rtp {
namespace {

void check_within(std::span<const std::byte> packet, std::span<const std::byte> part) {
    CHECK(part.empty() || (part.data() >= packet.data() &&
                           part.data() + part.size() <= packet.data() + packet.size()));
}

void check_same(const RtpPacketView& a, const RtpPacketView& b) {
    CHECK(a.payload_type == b.payload_type && a.marker == b.marker && a.seq == b.seq);
    CHECK(a.timestamp == b.timestamp && a.ssrc == b.ssrc);
    CHECK(a.extension_profile == b.extension_profile);
    CHECK(std::ranges::equal(a.csrcs, b.csrcs));
    CHECK(std::ranges::equal(a.extension, b.extension));
    CHECK(std::ranges::equal(a.payload, b.payload));
}

void check_cache(const RtpPacketView& view) {
    static RetransmissionCache cache({});
    static std::uint64_t number = 0;
    const ExtendedSeq seq{number++};
    const auto stored = cache.store(Instant{}, seq, view);
    if (stored) {
        check_same(view, *stored);
        check_same(view, *cache.find(Instant{}, seq));
    }
}

// `packet` as the payload-carrying RTX packet: its first two bytes of payload name the original.
void check_rtx(std::span<const std::byte> packet, const RtpPacketView& view) {
    std::vector<std::byte> copy(packet.begin(), packet.end());
    const auto restored = restore_rtx(copy, 0x01020304, 127);
    CHECK(restored.has_value() == (view.payload.size() >= kRtxOsnBytes));
    if (!restored) {
        return;
    }
    const auto original = RtpPacketView::parse(*restored);
    CHECK(original && original->ssrc == 0x01020304 && original->payload_type == 127);
    CHECK(original->marker == view.marker && original->padding_bytes == view.padding_bytes);
    std::vector<std::byte> payload(view.payload.size());
    CHECK(write_rtx_payload(original->seq, original->payload, payload) == payload.size());
    CHECK(std::ranges::equal(payload, view.payload));
}

}  // namespace
}  // namespace isthmus::media::rtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using isthmus::media::rtp::RtpPacketView;
    const auto packet = std::as_bytes(std::span(data, size));
    const auto view = RtpPacketView::parse(packet);
    if (!view) {
        return 0;
    }
    CHECK(view->csrcs.size() % 4 == 0 && view->extension.size() % 4 == 0);
    isthmus::media::rtp::check_within(packet, view->csrcs);
    isthmus::media::rtp::check_within(packet, view->extension);
    isthmus::media::rtp::check_within(packet, view->payload);
    isthmus::media::rtp::check_cache(*view);
    isthmus::media::rtp::check_rtx(packet, *view);
    return 0;
}
