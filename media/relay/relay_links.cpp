#include "media/relay/relay_links.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "media/relay/relay_record.h"

namespace isthmus::media::relay {
namespace {

OwnerId owner_id_of(const sfu::Participant& participant) {
    return {participant.handle().value};
}

}  // namespace

RelayLinks::RelayLinks(WorkerIndex self, RelayRings* rings, const sfu::SfuLimits& limits)
    : self_(self), rings_(rings), limits_(limits), borrowed_(peers_of_node()) {}

void RelayLinks::link(sfu::Conference& conference, WorkerIndex peer) {
    CHECK(peer < peers_of_node() && peer != self_);
    std::vector<WorkerIndex>& peers = peers_[conference.name()];
    if (std::ranges::find(peers, peer) != peers.end()) {
        return;
    }
    peers.push_back(peer);
    for (const sfu::Participant* participant : conference.participants()) {
        if (participant->connected()) {
            announce(conference, *participant, peer);
        }
    }
}

void RelayLinks::unlink(Instant now, sfu::Conference& conference, WorkerIndex peer) {
    const auto found = peers_.find(conference.name());
    if (found == peers_.end()) {
        return;
    }
    std::erase(found->second, peer);
    withdraw_from(conference, peer);
    forget_borrowed(now, conference, peer);
    if (found->second.empty()) {
        peers_.erase(found);
    }
}

void RelayLinks::announce(const sfu::Conference& conference,
                          const sfu::Participant& participant,
                          WorkerIndex peer) {
    if (participant.tracks().empty()) {
        return;
    }
    const OwnerId owner = owner_id_of(participant);
    OwnerAnnounced announced{.conference = conference.name(),
                             .owner = owner,
                             .identity = participant.identity(),
                             .extensions = participant.extension_ids(),
                             .tracks = {}};
    for (const auto& track : participant.tracks()) {
        announced.tracks.push_back({.id = track->id(), .section = track->section()});
    }
    Publisher& publisher = publishers_[owner.value];
    publisher.participant = &participant;
    publisher.lent.push_back({.peer = peer, .taps = {}});
    publisher.lent.back().taps.resize(participant.tracks().size());
    messages_.push_back({.to = peer, .message = std::move(announced)});
}

void RelayLinks::withdraw_from(const sfu::Conference& conference, WorkerIndex peer) {
    for (const sfu::Participant* participant : conference.participants()) {
        const auto found = publishers_.find(owner_id_of(*participant).value);
        if (found != publishers_.end()) {
            std::erase_if(found->second.lent,
                          [peer](const Lent& lent) { return lent.peer == peer; });
        }
    }
}

void RelayLinks::on_connected(const sfu::Conference& conference,
                              const sfu::Participant& participant) {
    const auto found = peers_.find(conference.name());
    if (found != peers_.end()) {
        for (const WorkerIndex peer : found->second) {
            announce(conference, participant, peer);
        }
    }
}

void RelayLinks::on_leaving(const sfu::Participant& participant) {
    const OwnerId owner = owner_id_of(participant);
    const auto found = publishers_.find(owner.value);
    if (found == publishers_.end()) {
        return;
    }
    for (const Lent& lent : found->second.lent) {
        messages_.push_back({.to = lent.peer, .message = OwnerWithdrawn{owner}});
    }
    publishers_.erase(found);
}

const std::string& RelayLinks::conference_of(WorkerIndex from, const RelayMessage& message) const {
    if (const auto* announced = std::get_if<OwnerAnnounced>(&message)) {
        return announced->conference;
    }
    if (const auto* withdrawn = std::get_if<OwnerWithdrawn>(&message)) {
        const auto found = borrowed_[from].find(withdrawn->owner.value);
        if (found != borrowed_[from].end()) {
            return found->second->conference();
        }
    }
    return none_;
}

void RelayLinks::handle_message(Instant now,
                                WorkerIndex from,
                                RelayMessage message,
                                sfu::Conference* conference) {
    CHECK(from < borrowed_.size() && from != self_);
    std::visit([&](auto& one) { handle(std::move(one), now, from, conference); }, message);
}

void RelayLinks::handle(OwnerAnnounced announced,
                        Instant now,
                        WorkerIndex from,
                        sfu::Conference* conference) {
    // Unlinked while the message was on its way.
    if (conference == nullptr || !is_linked(conference->name())) {
        return;
    }
    const std::uint64_t owner = announced.owner.value;
    auto made = std::make_unique<RelayedOwner>(
        std::move(announced), limits_, [this, from](RelayedOwner& one) { settle(from, one); });
    RelayedOwner& added = *made;
    borrowed_[from][owner] = std::move(made);
    conference->add_owner(now, added);
}

void RelayLinks::handle(const OwnerWithdrawn& withdrawn,
                        Instant now,
                        WorkerIndex from,
                        sfu::Conference* conference) {
    const auto found = borrowed_[from].find(withdrawn.owner.value);
    if (found == borrowed_[from].end()) {
        return;
    }
    if (conference != nullptr) {
        conference->remove_owner(now, *found->second);
    }
    borrowed_[from].erase(found);
}

RelayLinks::Lent* RelayLinks::find_lent(OwnerId owner, WorkerIndex peer) {
    const auto found = publishers_.find(owner.value);
    if (found == publishers_.end()) {
        return nullptr;
    }
    const auto lent = std::ranges::find(found->second.lent, peer, &Lent::peer);
    return lent == found->second.lent.end() ? nullptr : &*lent;
}

void RelayLinks::handle(const TrackWanted& wanted,
                        Instant now,
                        WorkerIndex from,
                        sfu::Conference* /*conference*/) {
    Lent* lent = find_lent(wanted.owner, from);
    if (lent == nullptr || wanted.track >= lent->taps.size()) {
        return;
    }
    std::unique_ptr<RelayTap>& tap = lent->taps[wanted.track];
    if (!wanted.wanted) {
        tap.reset();
    } else if (tap == nullptr) {
        const sfu::Participant& participant = *publishers_.at(wanted.owner.value).participant;
        sfu::PublishedTrack& track = *participant.tracks()[wanted.track];
        tap = std::make_unique<RelayTap>(
            track, wanted.owner, wanted.track, rings_->between(self_, from), counters_);
        track.request_key_frame(now);
    }
}

void RelayLinks::handle(const KeyFrameWanted& wanted,
                        Instant now,
                        WorkerIndex from,
                        sfu::Conference* /*conference*/) {
    const Lent* lent = find_lent(wanted.owner, from);
    if (lent != nullptr && wanted.track < lent->taps.size()) {
        publishers_.at(wanted.owner.value)
            .participant->tracks()[wanted.track]
            ->request_key_frame_of_ssrc(now, wanted.ssrc);
    }
}

void RelayLinks::forget_borrowed(Instant now, sfu::Conference& conference, WorkerIndex peer) {
    std::vector<std::uint64_t> ended;
    for (const auto& [id, owner] : borrowed_[peer]) {
        if (owner->conference() == conference.name()) {
            ended.push_back(id);
        }
    }
    for (const std::uint64_t id : ended) {
        handle(OwnerWithdrawn{{id}}, now, peer, &conference);
    }
}

void RelayLinks::settle(WorkerIndex from, RelayedOwner& owner) {
    owner.poll_wishes(
        [this, from](auto wish) { messages_.push_back({.to = from, .message = std::move(wish)}); });
}

void RelayLinks::handle_packet(Instant now, WorkerIndex peer, std::span<std::byte> bytes) {
    const ReadRecord read = read_record(bytes);
    const auto owner = borrowed_[peer].find(read.record.owner.value);
    if (owner == borrowed_[peer].end() ||
        !owner->second->handle_packet(now, read.record, read.packet)) {
        ++counters_.dropped_unknown;
        return;
    }
    ++counters_.packets_in;
    if (std::ranges::find(fed_, owner->second.get()) == fed_.end()) {
        fed_.push_back(owner->second.get());
    }
}

bool RelayLinks::handle_packets(Instant now,
                                sfu::EgressBatch& batch,
                                transport::DatagramSink& sink) {
    std::size_t taken = 0;
    for (WorkerIndex peer = 0; peer < borrowed_.size(); ++peer) {
        if (peer == self_) {
            continue;
        }
        SpscRing& ring = rings_->between(peer, self_);
        // No more than tracks keep in place until the end of the batch.
        for (std::optional<std::span<std::byte>> bytes;
             taken < rtp::RetransmissionCache::kBatchPackets && (bytes = ring.front());
             ++taken) {
            handle_packet(now, peer, *bytes);
            ring.pop();
        }
    }
    for (RelayedOwner* owner : fed_) {
        owner->forward_pending(now, batch, sink);
    }
    fed_.clear();
    batch.flush(sink);
    // The packets' extensions were read in place.
    for (WorkerIndex peer = 0; peer < borrowed_.size(); ++peer) {
        if (peer != self_) {
            rings_->between(peer, self_).release();
        }
    }
    return taken != 0;
}

bool RelayLinks::has_packets() const {
    for (WorkerIndex peer = 0; peer < borrowed_.size(); ++peer) {
        if (peer != self_ && rings_->between(peer, self_).front()) {
            return true;
        }
    }
    return false;
}

std::size_t RelayLinks::queued_bytes_max() const {
    std::size_t most = 0;
    for (WorkerIndex peer = 0; peer < borrowed_.size(); ++peer) {
        if (peer != self_) {
            most = std::max(most, rings_->between(peer, self_).used_bytes());
        }
    }
    return most;
}

void RelayLinks::handle_timeout(Instant now) {
    for (const Borrowed& owners : borrowed_) {
        for (const auto& [id, owner] : owners) {
            if (owner->next_timeout() <= now) {
                owner->handle_timeout(now);
            }
        }
    }
}

Instant RelayLinks::next_timeout() const {
    Instant earliest = kNever;
    for (const Borrowed& owners : borrowed_) {
        for (const auto& [id, owner] : owners) {
            earliest = std::min(earliest, owner->next_timeout());
        }
    }
    return earliest;
}

std::optional<RelayEnvelope> RelayLinks::poll_message() {
    if (messages_.empty()) {
        return std::nullopt;
    }
    RelayEnvelope envelope = std::move(messages_.front());
    messages_.pop_front();
    return envelope;
}

}  // namespace isthmus::media::relay
