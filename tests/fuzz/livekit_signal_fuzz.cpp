// Signal messages in both forms: what is read is written again without loss, and nothing else
// happens. Input: one byte of form, then the frame.
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
    using isthmus::signaling::livekit::decode_signal;
    using isthmus::signaling::livekit::encode_signal;
    using isthmus::signaling::livekit::SignalForm;
    if (size == 0) {
        return 0;
    }
    const SignalForm form = (data[0] & 1U) != 0 ? SignalForm::kText : SignalForm::kBinary;
    const std::string_view frame(reinterpret_cast<const char*>(data) + 1, size - 1);
    ::livekit::SignalRequest request;
    if (decode_signal(frame, form, request)) {
        ::livekit::SignalRequest again;
        CHECK(decode_signal(request.SerializeAsString(), SignalForm::kBinary, again).has_value());
        CHECK(again.message_case() == request.message_case());
    }
    ::livekit::SignalResponse response;
    if (response.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
        static_cast<void>(encode_signal(response, form));
    }
    return 0;
}
