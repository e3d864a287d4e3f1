// The way to one client: everything that it is sent, of all tracks, leaves through here.
//
// Numbers packets transport-wide and writes them into the worker's batch. One per participant;
// driven by its subscriptions. Leaves out: what deserves sending (subscription.h), RTCP
// (rtcp_sender.h).
#pragma once

#include <cstdint>

#include "base/time.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/outgoing_packet.h"
#include "media/transport/datagram.h"
#include "media/transport/peer_transport.h"

namespace isthmus::media::sfu {

class Downlink {
  public:
    // `transport` outlives the downlink.
    explicit Downlink(const transport::PeerTransport& transport) : transport_(transport) {}

    // Makes the client the receiver of what is sent next. False before it has keys and a path.
    [[nodiscard]] bool open(EgressBatch& batch) const;

    // After open(). False where the packet became too long to be sent.
    bool send(Instant now,
              const OutgoingPacket& packet,
              const PacketContent& content,
              EgressBatch& batch,
              transport::DatagramSink& sink);

  private:
    const transport::PeerTransport& transport_;
    std::uint16_t transport_sequence_ = 0;
};

}  // namespace isthmus::media::sfu
