#include "tests/tools/load/load_meeting.h"

#include <utility>

#include <gtest/gtest.h>

#include "base/check.h"
#include "signaling/sdp/answer.h"
#include "signaling/sdp/negotiate.h"
#include "tools/load/recordings.h"

namespace isthmus::load {

using media::transport::IpAddress;
using media::transport::OutDatagram;
using media::transport::SocketAddress;

LoadHost::LoadHost(ParticipantRole role,
                   std::string name,
                   const LoadOptions& options,
                   const LayerRecordings& recordings,
                   media::transport::SrtpFanout& fanout,
                   std::shared_ptr<const media::transport::DtlsIdentity> identity,
                   RandomSource& random)
    : batch_(fanout, *this),
      context_{.options = options,
               .random = random,
               .identity = std::move(identity),
               .fanout = fanout,
               .batch = batch_,
               .ntp = {Instant{}, media::rtp::NtpTime{.value = std::uint64_t{1} << 60U}},
               .recordings = recordings,
               .durations = durations},
      participant(role, std::move(name), context_) {}

void LoadHost::handle_datagram(Instant now,
                               const media::transport::Path& path,
                               std::span<std::byte> bytes) {
    participant.handle_datagram(now, path, bytes);
    participant.settle(now);
}

void LoadHost::send(std::span<const OutDatagram> datagrams) {
    for (const OutDatagram& datagram : datagrams) {
        kept_.push_back({*datagram.path, {datagram.bytes.begin(), datagram.bytes.end()}});
    }
}

void LoadHost::drain(Instant /*now*/, media::transport::DatagramSink& sink) {
    batch_.flush();
    for (const Kept& kept : std::exchange(kept_, {})) {
        const OutDatagram datagram{.path = &kept.path, .bytes = kept.bytes};
        sink.send({&datagram, 1});
    }
}

MediaCounts LoadHost::counts(Instant now) const {
    MediaCounts counts;
    participant.add_counts(now, counts);
    return counts;
}

LoadMeeting::LoadMeeting(std::uint64_t seed, LoadOptions options)
    : options_(std::move(options)),
      recordings_(make_recordings(options_).value()),
      random_(seed),
      meeting_(seed),
      fanout_(media::transport::make_srtp_fanout(media::transport::SrtpEngine::kAuto).value()),
      identity_(media::transport::DtlsIdentity::make(media::transport::kSrtpProfilesByPreference)
                    .value()) {}

LoadHost& LoadMeeting::join(ParticipantRole role,
                            const std::string& name,
                            const simulator::LinkConfig& line) {
    const bool publishes = role == ParticipantRole::kPublisher;
    hosts_.push_back(std::make_unique<LoadHost>(
        role, name, options_, recordings_, *fanout_, identity_, random_));
    LoadHost& host = *hosts_.back();

    const auto offer = signaling::sdp::parse_session_description(host.participant.make_offer());
    CHECK(offer);
    host.participant.on_signaling_started(now());
    const auto negotiated = signaling::sdp::negotiate(
        *offer,
        {.role = publishes ? signaling::sdp::Role::kPublisher : signaling::sdp::Role::kViewer,
         .accept_simulcast = options_.simulcast});
    CHECK(negotiated);
    auto joined = meeting_.admit({.conference = "demo",
                                  .identity = name,
                                  .name = name,
                                  .can_publish = publishes,
                                  .can_subscribe = !publishes,
                                  .description = negotiated->connection});
    CHECK(joined);
    joined->local.candidates = {{.protocol = media::transport::Protocol::kUdp,
                                 .address = meeting_.node_address(),
                                 .priority = 1,
                                 .foundation = "1"}};
    const std::string answer = signaling::sdp::write_session_description(
        signaling::sdp::make_answer(*offer, *negotiated, joined->local, 1));
    const SocketAddress address{
        .ip = IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(hosts_.size())}), .port = 4000};
    meeting_.network().add_host(host, line, line);
    meeting_.network().add_address(host, address);
    const auto taken = host.participant.take_answer(now(), answer, address, {});
    EXPECT_TRUE(taken) << taken.error().message;
    meeting_.network().settle(host);
    return host;
}

}  // namespace isthmus::load
