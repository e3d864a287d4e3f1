// A participant and the real client at its other end, connected over ICE, DTLS and SRTP without a
// worker or a network: each passes its datagrams straight to the other.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "media/sfu/conference.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/participant.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/srtp_fanout.h"
#include "tests/simulator/ice_client.h"

namespace isthmus::media::sfu::testing {

using Bytes = std::vector<std::byte>;

class ConnectedPeer;

// What the participants of one test share.
struct PeerSurroundings {
    static constexpr std::int64_t kUnixNsAtZero = 1'700'000'000'000'000'000;

    Instant now = Instant{} + std::chrono::hours(1);
    SeededRandom random{1};
    std::unique_ptr<transport::SrtpFanout> fanout =
        *transport::make_srtp_fanout(transport::SrtpEngine::kAuto);
    std::shared_ptr<const transport::DtlsIdentity> identity =
        *transport::DtlsIdentity::make(transport::kSrtpProfilesByPreference);
    EgressBatch batch{*fanout};
    WorkerStats stats;
    TouchList touched;
    PacingList pacing;
    Conference conference{{.id = "RM_1", .name = "demo"}};
    std::vector<ConnectedPeer*> peers;
};

class ConnectedPeer final : public transport::DatagramSink {
  public:
    ConnectedPeer(PeerSurroundings& shared, const std::string& name, MediaSection section);
    ConnectedPeer(const ConnectedPeer&) = delete;
    ConnectedPeer& operator=(const ConnectedPeer&) = delete;

    ~ConnectedPeer() override;

    // Nothing else may be called afterwards but the destructor.
    void leave();

    // From the client to the participant, encrypted on the way.
    void send_rtp(std::span<const std::byte> plain);
    // Several that arrive together, and are offered to others together.
    void send_rtp_together(std::span<const Bytes> plain);
    void send_rtcp(std::span<const std::byte> plain);
    // The same with one bit changed on the way.
    void send_forged_rtcp(std::span<const std::byte> plain);

    // Has the participant send what is due, to this client.
    void settle();

    // What the client has received since the last call, decrypted.
    [[nodiscard]] std::vector<Bytes> take_rtp();
    [[nodiscard]] std::vector<Bytes> take_rtcp();

    [[nodiscard]] Participant& participant() { return *participant_; }

    // What the node announced.
    [[nodiscard]] SenderDescription sender() const {
        return participant_->describe_senders().at(0);
    }

    [[nodiscard]] SubscriptionInfo subscription() const {
        return participant_->describe(shared_.now).subscriptions.at(0);
    }

    // To the clients whose paths they are for.
    void send(std::span<const transport::OutDatagram> datagrams) override;

  private:
    void connect();
    // What the client says next, or nothing.
    [[nodiscard]] Bytes poll_client();
    void hear(std::span<const std::byte> datagram);

    PeerSurroundings& shared_;
    transport::Path path_;  // as the node sees it
    std::unique_ptr<Participant> participant_;
    std::unique_ptr<simulator::IceClient> client_;
};

}  // namespace isthmus::media::sfu::testing
