// All that one worker shares with the others: conferences that span workers.
//
// Where a conference is linked with another worker, everybody in it who publishes is announced
// there; who there is wanted by a viewer gets a tap on the track, and its packets go by ring, once
// per worker, however many watch. Sans-I/O; one thread. After every call drain poll_message() and
// publish().
//
// Leaves out: which conference spans which workers (worker/local_switchboard.h), waking the other
// thread (worker/io).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/time.h"
#include "media/relay/relay_message.h"
#include "media/relay/relay_rings.h"
#include "media/relay/relay_tap.h"
#include "media/relay/relayed_owner.h"
#include "media/sfu/conference.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/limits.h"
#include "media/sfu/participant.h"

namespace isthmus::media::relay {

class RelayLinks {
  public:
    // `rings` outlives the links; null where the node has one worker.
    RelayLinks(WorkerIndex self, RelayRings* rings, const sfu::SfuLimits& limits);

    // The conference is on `peer` too from now on. Again for the same peer: nothing.
    void link(sfu::Conference& conference, WorkerIndex peer);
    void unlink(Instant now, sfu::Conference& conference, WorkerIndex peer);

    [[nodiscard]] bool is_linked(const std::string& conference) const {
        return peers_.contains(conference);
    }

    // Somebody of this worker may be subscribed to, or no longer.
    void on_connected(const sfu::Conference& conference, const sfu::Participant& participant);
    void on_leaving(const sfu::Participant& participant);
    // The same for one track, of somebody who is connected.
    void on_track_begun(const sfu::Conference& conference,
                        const sfu::Participant& participant,
                        sfu::PublishedTrack& track);
    void on_track_ended(const sfu::Participant& participant, const sfu::PublishedTrack& track);

    // `conference`: the one that the message names, or null where it is not here (any more).
    void handle_message(Instant now,
                        WorkerIndex from,
                        RelayMessage message,
                        sfu::Conference* conference);

    // Takes up to a batch of packets from the rings to this worker and offers them to its viewers.
    // False where there was nothing.
    bool handle_packets(Instant now, sfu::EgressBatch& batch, transport::DatagramSink& sink);

    // Something waits in a ring to this worker.
    [[nodiscard]] bool has_packets() const;

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // To be told to another worker, or nothing when drained.
    [[nodiscard]] std::optional<RelayEnvelope> poll_message();

    // Lets other workers see what was written for them; calls `wake` for each that has something
    // new.
    template <typename Wake>
    void publish(Wake&& wake) {
        for (WorkerIndex peer = 0; peer < peers_of_node(); ++peer) {
            if (peer != self_ && rings_->between(self_, peer).publish()) {
                wake(peer);
            }
        }
    }

    [[nodiscard]] const RelayCounters& counters() const { return counters_; }

    // Bytes waiting in the fullest ring to this worker.
    [[nodiscard]] std::size_t queued_bytes_max() const;

    // Whom a message is about; empty where it is of no conference that is named in it.
    [[nodiscard]] const std::string& conference_of(WorkerIndex from,
                                                   const RelayMessage& message) const;

  private:
    // What somebody of this worker has given to one peer.
    struct Lent {
        WorkerIndex peer = 0;
        std::vector<std::unique_ptr<RelayTap>> taps;  // by number; null where not wanted
    };

    struct Publisher {
        std::vector<sfu::PublishedTrack*> tracks;  // by number; null once ended
        std::vector<Lent> lent;
    };

    [[nodiscard]] WorkerIndex peers_of_node() const {
        return rings_ == nullptr ? 0 : rings_->workers();
    }

    void announce(const sfu::Conference& conference,
                  const sfu::Participant& participant,
                  WorkerIndex peer);
    void withdraw_from(const sfu::Conference& conference, WorkerIndex peer);
    void handle(OwnerAnnounced announced,
                Instant now,
                WorkerIndex from,
                sfu::Conference* conference);
    void handle(const OwnerWithdrawn& withdrawn,
                Instant now,
                WorkerIndex from,
                sfu::Conference* conference);
    void handle(TrackAnnounced announced, Instant now, WorkerIndex from, sfu::Conference*);
    void handle(const TrackWithdrawn& withdrawn, Instant now, WorkerIndex from, sfu::Conference*);
    void handle(const TrackWanted& wanted, Instant now, WorkerIndex from, sfu::Conference*);
    void handle(const KeyFrameWanted& wanted, Instant now, WorkerIndex from, sfu::Conference*);

    // The track, as it is lent to `peer`; nothing where it is not (any more).
    struct LentTrack {
        sfu::PublishedTrack& track;
        std::unique_ptr<RelayTap>& tap;
    };

    [[nodiscard]] std::optional<LentTrack> find_lent(OwnerId owner,
                                                     std::uint16_t number,
                                                     WorkerIndex peer);
    void forget_borrowed(Instant now, sfu::Conference& conference, WorkerIndex peer);
    void settle(WorkerIndex from, RelayedOwner& owner);
    void handle_packet(Instant now, WorkerIndex peer, std::span<std::byte> bytes);

    using Borrowed = boost::unordered_flat_map<std::uint64_t, std::unique_ptr<RelayedOwner>>;

    WorkerIndex self_;
    RelayRings* rings_;
    const sfu::SfuLimits& limits_;
    RelayCounters counters_;
    boost::unordered_flat_map<std::string, std::vector<WorkerIndex>> peers_;  // by conference
    boost::unordered_flat_map<std::uint64_t, Publisher> publishers_;          // by OwnerId
    std::vector<Borrowed> borrowed_;                                          // by peer
    std::vector<RelayedOwner*> fed_;                                          // in this batch
    std::deque<RelayEnvelope> messages_;
    std::uint32_t next_source_;
    std::string none_;
};

}  // namespace isthmus::media::relay
