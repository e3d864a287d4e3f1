// Messages of data channels: whatever they say, receivers are told who really sent them.
// Input: one byte of channel and permissions, then the message; it is routed twice.
#include <cstddef>
#include <cstdint>
#include <span>

#include <signaling/livekit/proto/data.pb.h>

#include "base/check.h"
#include "signaling/livekit/data_router.h"
#include "signaling/livekit/protobuf_log.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    isthmus::signaling::livekit::silence_protobuf_log();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using isthmus::signaling::livekit::DataRouter;
    using isthmus::signaling::livekit::DataSender;
    if (size == 0) {
        return 0;
    }
    const auto message = std::as_bytes(std::span(data, size)).subspan(1);
    const DataSender sender{.sid = "PA_alice",
                            .identity = "alice",
                            .can_publish_data = (data[0] & 2U) == 0,
                            .hidden = (data[0] & 4U) != 0,
                            .agent = (data[0] & 8U) != 0};
    DataRouter router;
    for (int i = 0; i < 2; ++i) {
        const auto routed = router.route(message, (data[0] & 1U) != 0, sender);
        if (!routed) {
            continue;
        }
        ::livekit::DataPacket packet;
        CHECK(
            packet.ParseFromArray(routed->bytes->data(), static_cast<int>(routed->bytes->size())));
        CHECK(sender.can_publish_data);
        CHECK(packet.participant_sid() == "PA_alice");
        CHECK(packet.participant_identity() == (sender.hidden ? "" : "alice"));
        CHECK(routed->reliable == (packet.kind() == ::livekit::DataPacket::RELIABLE));
        CHECK(i == 0 || !routed->reliable || packet.sequence() == 0);
    }
    return 0;
}
