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

// How many tracks a connection may publish one after the other and have seen on other workers.
constexpr std::size_t kTracksMax = 65'535;

// Names of streams (InboundStream::source), apart from those of clients: these count from their
// connection's number up (see sfu::Participant).
constexpr std::uint32_t kFirstSource = 0x80000000U;
constexpr std::uint32_t kSourcesPerOwner = 256;

RelayedTrackInfo info_of(std::size_t number, const sfu::PublishedTrack& track) {
    return {
        .number = static_cast<std::uint16_t>(number), .id = track.id(), .section = track.section()};
}

}  // namespace

RelayLinks::RelayLinks(WorkerIndex self, RelayRings* rings, const sfu::SfuLimits& limits)
    : self_(self),
      rings_(rings),
      limits_(limits),
      borrowed_(peers_of_node()),
      next_source_(kFirstSource) {}

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
    const OwnerId owner = owner_id_of(participant);
    if (participant.tracks().empty() && !publishers_.contains(owner.value)) {
        return;
    }
    OwnerAnnounced announced{.conference = conference.name(),
                             .owner = owner,
                             .identity = participant.identity(),
                             .participant_id = participant.id(),
                             .extensions = participant.extension_ids(),
                             .tracks = {}};
    Publisher& publisher = publishers_[owner.value];
    if (publisher.tracks.empty()) {
        for (const auto& track : participant.tracks()) {
            publisher.tracks.push_back(track.get());
        }
    }
    for (std::size_t number = 0; number < publisher.tracks.size(); ++number) {
        if (const sfu::PublishedTrack* track = publisher.tracks[number]) {
            announced.tracks.push_back(info_of(number, *track));
        }
    }
    publisher.lent.push_back({.peer = peer, .taps = {}});
    publisher.lent.back().taps.resize(publisher.tracks.size());
    messages_.push_back({.to = peer, .message = std::move(announced)});
}

void RelayLinks::on_track_begun(const sfu::Conference& conference,
                                const sfu::Participant& participant,
                                sfu::PublishedTrack& track) {
    const OwnerId owner = owner_id_of(participant);
    const auto found = publishers_.find(owner.value);
    if (found == publishers_.end()) {
        on_connected(conference, participant);  // had nothing to announce before
        return;
    }
    Publisher& publisher = found->second;
    const auto known = std::ranges::find(publisher.tracks, &track);
    if (known != publisher.tracks.end() || publisher.tracks.size() >= kTracksMax) {
        return;
    }
    const std::size_t number = publisher.tracks.size();
    publisher.tracks.push_back(&track);
    for (Lent& lent : publisher.lent) {
        lent.taps.emplace_back();
        messages_.push_back({.to = lent.peer,
                             .message = TrackAnnounced{.owner = owner,
                                                       .extensions = participant.extension_ids(),
                                                       .track = info_of(number, track)}});
    }
}

void RelayLinks::on_track_ended(const sfu::Participant& participant,
                                const sfu::PublishedTrack& track) {
    const OwnerId owner = owner_id_of(participant);
    const auto found = publishers_.find(owner.value);
    if (found == publishers_.end()) {
        return;
    }
    Publisher& publisher = found->second;
    const auto known = std::ranges::find(publisher.tracks, &track);
    if (known == publisher.tracks.end()) {
        return;
    }
    *known = nullptr;
    const auto number = static_cast<std::size_t>(known - publisher.tracks.begin());
    for (Lent& lent : publisher.lent) {
        lent.taps[number].reset();
        messages_.push_back({.to = lent.peer,
                             .message = TrackWithdrawn{
                                 .owner = owner, .track = static_cast<std::uint16_t>(number)}});
    }
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
    const OwnerId owner = std::visit([](const auto& one) { return one.owner; }, message);
    const auto found = borrowed_[from].find(owner.value);
    return found != borrowed_[from].end() ? found->second->conference() : none_;
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
        std::move(announced), limits_, next_source_, [this, from](RelayedOwner& one) {
            settle(from, one);
        });
    next_source_ = std::max(next_source_ + kSourcesPerOwner, kFirstSource);
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

void RelayLinks::handle(TrackAnnounced announced,
                        Instant now,
                        WorkerIndex from,
                        sfu::Conference* conference) {
    const auto found = borrowed_[from].find(announced.owner.value);
    if (found != borrowed_[from].end() && conference != nullptr) {
        RelayedOwner& owner = *found->second;
        sfu::PublishedTrack& track =
            owner.add_track(announced.extensions, std::move(announced.track));
        conference->begin_track(now, owner, track);
    }
}

void RelayLinks::handle(const TrackWithdrawn& withdrawn,
                        Instant now,
                        WorkerIndex from,
                        sfu::Conference* conference) {
    const auto found = borrowed_[from].find(withdrawn.owner.value);
    if (found == borrowed_[from].end()) {
        return;
    }
    if (const auto track = found->second->remove_track(withdrawn.track);
        track != nullptr && conference != nullptr) {
        conference->end_track(now, *track);
    }
}

std::optional<RelayLinks::LentTrack> RelayLinks::find_lent(OwnerId owner,
                                                           std::uint16_t number,
                                                           WorkerIndex peer) {
    const auto found = publishers_.find(owner.value);
    if (found == publishers_.end()) {
        return std::nullopt;
    }
    Publisher& publisher = found->second;
    const auto lent = std::ranges::find(publisher.lent, peer, &Lent::peer);
    if (lent == publisher.lent.end() || number >= lent->taps.size() ||
        publisher.tracks[number] == nullptr) {
        return std::nullopt;
    }
    return LentTrack{.track = *publisher.tracks[number], .tap = lent->taps[number]};
}

void RelayLinks::handle(const TrackWanted& wanted,
                        Instant now,
                        WorkerIndex from,
                        sfu::Conference* /*conference*/) {
    const auto lent = find_lent(wanted.owner, wanted.track, from);
    if (!lent) {
        return;
    }
    if (!wanted.wanted) {
        lent->tap.reset();
    } else if (lent->tap == nullptr) {
        lent->tap = std::make_unique<RelayTap>(
            lent->track, wanted.owner, wanted.track, rings_->between(self_, from), counters_);
        lent->track.request_key_frame(now);
    }
    if (lent->tap != nullptr) {
        lent->tap->set_wanted_size(wanted.size);
    }
}

void RelayLinks::handle(const KeyFrameWanted& wanted,
                        Instant now,
                        WorkerIndex from,
                        sfu::Conference* /*conference*/) {
    if (const auto lent = find_lent(wanted.owner, wanted.track, from)) {
        lent->track.request_key_frame_of_ssrc(now, wanted.ssrc);
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
