// What a node may send to isthmus-load's clients, once decrypted: RTP and RTCP for a viewer, RTCP
// for a publisher. Each packet is its length in two bytes, then a byte that says where it goes and
// how much time went by, then itself.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/byte_order.h"
#include "base/check.h"
#include "base/random.h"
#include "media/client/media_receiver.h"
#include "media/client/media_sender.h"

namespace isthmus::media {
namespace {

class Nowhere final : public transport::DatagramSink {
  public:
    void send(std::span<const transport::OutDatagram> /*datagrams*/) override {}
};

client::ClientSection video_section() {
    client::ClientSection section{.mid = "1",
                                  .kind = rtp::MediaKind::kVideo,
                                  .send = true,
                                  .receive = true,
                                  .formats = {{.payload_type = 96,
                                               .codec = rtp::Codec::kVp8,
                                               .clock_hz = 90000,
                                               .rtx_payload_type = 97,
                                               .nack = true,
                                               .pli = true,
                                               .transport_cc = true}},
                                  .rtcp_reduced_size = true,
                                  .ssrc = 0x1000,
                                  .rtx_ssrc = 0x1001};
    section.extensions.set(rtp::ExtensionKind::kMid, 4);
    section.extensions.set(rtp::ExtensionKind::kTransportSequence, 3);
    return section;
}

struct Clients {
    Clients() {
        CHECK(sender.add_stream({.format = section.formats[0],
                                 .extensions = section.extensions,
                                 .mid = "1",
                                 .ssrc = 0x2000,
                                 .rtx_ssrc = 0x2001},
                                random) == 0);
        const std::array<std::byte, 100> body{};
        const client::PayloadPart part{.marker = true, .body = body};
        for (int i = 0; i < 20; ++i) {
            sender.stream(0).send_frame(now, {.taken_at = now, .parts = {&part, 1}}, context());
        }
        batch.flush();
    }

    client::SendContext context() {
        return {.batch = batch, .key = *key, .path = path, .transport_sequence = sequence};
    }

    void take(std::uint8_t kind, std::vector<std::byte> packet) {
        now += std::chrono::milliseconds(kind >> 2U);
        switch (kind & 3U) {
            case 0:
            case 1:
                static_cast<void>(receiver.handle_rtp(now, packet));
                break;
            case 2:
                receiver.handle_rtcp(now, packet);
                break;
            default:
                sender.handle_rtcp(now, packet, context());
        }
        settle();
    }

    // Whatever came, what is due is written in bounded steps and then no longer due.
    void settle() {
        std::array<std::byte, client::MediaReceiver::kRtcpBytesMax> buffer{};
        if (now >= receiver.next_timeout()) {
            receiver.handle_timeout(now);
            for (int i = 0; receiver.write_rtcp(now, buffer) > 0; ++i) {
                CHECK(i < 1000);
            }
            CHECK(receiver.next_timeout() > now);
        }
        static_cast<void>(sender.write_rtcp(now, buffer));
        batch.flush();
        CHECK(receiver.streams().size() <= 64);
    }

    SeededRandom random{1};
    Instant now = Instant{} + std::chrono::hours(1);
    client::ClientSection section = video_section();
    std::unique_ptr<transport::SrtpFanout> fanout =
        transport::make_srtp_fanout(transport::SrtpEngine::kOpenSsl).value();
    std::unique_ptr<transport::SrtpSendKey> key = fanout->make_key({});
    Nowhere nowhere;
    client::PacketBatch batch{*fanout, nowhere};
    transport::Path path;
    std::uint16_t sequence = 0;
    client::MediaReceiver receiver{std::span(&section, 1), 0x77, "viewer", now};
    client::MediaSender sender{{now, rtp::NtpTime{.value = 1}}, "alice", now};
};

void run(std::span<const std::byte> rest) {
    constexpr std::size_t kPacketsMax = 64;
    Clients clients;
    for (std::size_t i = 0; i < kPacketsMax && rest.size() > 3; ++i) {
        const std::size_t wanted = load_be16(rest.data());
        const std::uint8_t kind = load_u8(&rest[2]);
        rest = rest.subspan(3);
        const auto packet = rest.first(std::min(wanted, rest.size()));
        rest = rest.subspan(packet.size());
        clients.take(kind, {packet.begin(), packet.end()});
    }
}

}  // namespace
}  // namespace isthmus::media

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::run(std::as_bytes(std::span(data, size)));
    return 0;
}
