// Participants of isthmus-load on the simulated network, with a worker's core for a node. The test
// carries offers and answers, with the node's own negotiation in between.
//
//     publisher -- line --+
//                         +-- core -- node (WorkerCore)
//     viewer    -- line --+
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "media/client/packet_batch.h"
#include "tests/media/worker/meeting.h"
#include "tools/load/participant.h"

namespace isthmus::load {

// One participant as a host of the network.
class LoadHost final : public simulator::Node, private media::transport::DatagramSink {
  public:
    LoadHost(ParticipantRole role,
             std::string name,
             const LoadOptions& options,
             const LayerRecordings& recordings,
             media::transport::SrtpFanout& fanout,
             std::shared_ptr<const media::transport::DtlsIdentity> identity,
             RandomSource& random);

    void handle_datagram(Instant now,
                         const media::transport::Path& path,
                         std::span<std::byte> bytes) override;

    void handle_timeout(Instant now) override { participant.handle_timeout(now); }

    [[nodiscard]] Instant next_timeout() const override { return participant.next_timeout(); }

    void drain(Instant now, media::transport::DatagramSink& sink) override;

    [[nodiscard]] MediaCounts counts(Instant now) const;

    DurationSet durations;

  private:
    struct Kept {
        media::transport::Path path;
        std::vector<std::byte> bytes;
    };

    void send(std::span<const media::transport::OutDatagram> datagrams) override;

    media::client::PacketBatch batch_;
    ParticipantContext context_;
    std::vector<Kept> kept_;

  public:
    Participant participant;
};

class LoadMeeting {
  public:
    LoadMeeting(std::uint64_t seed, LoadOptions options);

    // Joins and begins to connect; fails the test where the node refuses.
    LoadHost& join(ParticipantRole role,
                   const std::string& name,
                   const simulator::LinkConfig& line = {});

    void run_for(Duration duration) { meeting_.run_for(duration); }

    [[nodiscard]] Instant now() { return meeting_.simulator().now(); }

    [[nodiscard]] MediaCounts counts(const LoadHost& host) { return host.counts(now()); }

    [[nodiscard]] media::testing::Meeting& meeting() { return meeting_; }

  private:
    LoadOptions options_;
    LayerRecordings recordings_;
    SeededRandom random_;
    media::testing::Meeting meeting_;
    std::unique_ptr<media::transport::SrtpFanout> fanout_;
    std::shared_ptr<const media::transport::DtlsIdentity> identity_;
    std::vector<std::unique_ptr<LoadHost>> hosts_;
};

}  // namespace isthmus::load
