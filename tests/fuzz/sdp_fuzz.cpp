// Any text as an offer: what parses can be written and parsed again, and where it can be negotiated
// the answer names nothing that was not offered.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "signaling/sdp/answer.h"
#include "signaling/sdp/negotiate.h"
#include "signaling/sdp/session_description.h"

namespace {

using namespace isthmus;                  // NOLINT(google-build-using-namespace): one short program
using namespace isthmus::signaling::sdp;  // NOLINT(google-build-using-namespace): one short program

media::sfu::LocalDescription local_for(const NegotiatedSession& negotiated) {
    media::sfu::LocalDescription local;
    local.ice = {.ufrag = "node", .pwd = "nodepasswordnodepassword"};
    local.candidates = {
        {.protocol = media::transport::Protocol::kUdp,
         .address = {.ip = media::transport::IpAddress::v4({192, 0, 2, 1}), .port = 5004},
         .priority = 1,
         .foundation = "1"}};
    for (const auto& section : negotiated.connection.sections) {
        if (section.direction == media::sfu::Direction::kSend) {
            local.senders.push_back({.mid = section.mid,
                                     .ssrc = 1,
                                     .rtx_ssrc = 2,
                                     .cname = "node",
                                     .stream_id = "s",
                                     .track_id = "t"});
        }
    }
    return local;
}

void check_answer(const SessionDescription& offer, const NegotiationPolicy& policy) {
    const auto negotiated = negotiate(offer, policy);
    if (!negotiated) {
        CHECK(!negotiated.error().message.empty());
        return;
    }
    const SessionDescription answer = make_answer(offer, *negotiated, local_for(*negotiated), 1);
    const auto again = parse_session_description(write_session_description(answer));
    CHECK(again.has_value());
    CHECK(again->media.size() == offer.media.size());
    bool live = false;
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
        CHECK(again->media[i].mid == offer.media[i].mid);
        live = live || again->media[i].port != 0;
        for (const PayloadType& type : again->media[i].payload_types) {
            CHECK(offer.media[i].find_payload_type(type.number) != nullptr);
        }
    }
    CHECK(live);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto offer = parse_session_description(text);
    if (!offer) {
        CHECK(!offer.error().message.empty());
        return 0;
    }
    // Writing may be longer than the limit on what is read: it repeats what the session part says.
    constexpr SdpLimits kWide{.bytes_max = 64UL * 1024 * 1024, .sections_max = 64};
    const auto again = parse_session_description(write_session_description(*offer), kWide);
    CHECK(again.has_value() && *again == *offer);
    for (const Role role : {Role::kPublisher, Role::kViewer}) {
        for (const bool simulcast : {false, true}) {
            NegotiationPolicy policy;
            policy.role = role;
            policy.accept_simulcast = simulcast;
            policy.prefer_own_order = simulcast;
            check_answer(*offer, policy);
        }
    }
    return 0;
}
