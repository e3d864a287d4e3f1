// The query's join_request, as text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/check.h"
#include "signaling/livekit/protobuf_log.h"
#include "signaling/livekit/signal_codec.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    isthmus::signaling::livekit::silence_protobuf_log();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace protocol = isthmus::signaling::livekit;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    ::livekit::JoinRequest request;
    if (protocol::decode_join_request(text, request)) {
        CHECK(request.ByteSizeLong() <= 2 * protocol::kJoinRequestBytesMax);
    }
    return 0;
}
