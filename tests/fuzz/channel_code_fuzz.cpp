// Any text as an enrolment code, and as the bodies of enrolment and renewal.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "base/check.h"
#include "base/random.h"
#include "control-agent/channel/certificate.h"
#include "control-agent/channel/enrollment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace channel = isthmus::channel;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto code = channel::read_code(text)) {
        const auto again = channel::read_code(channel::write_code(*code));
        CHECK(again && again->secret == code->secret && again->url == code->url);
    }
    if (const auto request = channel::read_enroll(text)) {
        CHECK(!request->name.empty());
        CHECK(!channel::proves_secret(*request, "0123456789abcdef"));
        std::ignore = channel::proves_key(*request);
    }
    if (const auto request = channel::read_renew(text)) {
        std::ignore = request->proves(*channel::PublicKey::from_bytes(std::string(32, 'k')));
        std::ignore = channel::read_certificate(request->certificate);
    }
    channel::HubTrust trust({std::string(32, 'f')});
    CHECK(!channel::read_hello(text, "nonce", trust));
    return 0;
}
