// One client in a conference: its transport, what it publishes and what it is sent.
//
// Holds nothing but the routes between these; driven by the worker. After every call that takes
// `now` the worker settles it: drains the transport, sends feedback, re-arms from next_timeout().
// Specification: RFC 3550 section 6 (reports), RFC 4585.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "media/rtp/ntp_time.h"
#include "media/sfu/bandwidth_share.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/downlink.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/limits.h"
#include "media/sfu/participant_id.h"
#include "media/sfu/publisher.h"
#include "media/sfu/subscriber.h"
#include "media/sfu/track_owner.h"
#include "media/transport/peer_transport.h"

namespace isthmus::media::sfu {

class Conference;

struct ParticipantConfig {
    std::string id;                // "PA_..."
    std::uint64_t connection = 0;  // ConnectionId
    std::string identity;
    std::string name;
    bool can_publish = false;
    bool can_subscribe = false;
    bool hidden = false;
    std::string watch_identity;
    std::int64_t joined_at_unix_ms = 0;
    std::int64_t unix_ns_at_zero = 0;  // wall clock at Instant{}
    SfuLimits limits;
    congestion::CongestionConfig congestion;
    transport::PeerTransportConfig transport;
};

class Participant final : public TrackOwner {
  public:
    // Fails with kPermissionDenied where a section asks for what is not granted, and with
    // kLimitExceeded where it has more sections than it may publish on.
    [[nodiscard]] static Result<std::unique_ptr<Participant>> make(
        Instant now,
        ParticipantConfig config,
        std::span<const MediaSection> sections,
        RandomSource& random,
        TouchList& touched,
        PacingList& pacing);

    void handle_rtp(Instant now, std::span<std::byte> packet, WorkerStats& stats);
    void handle_rtcp(Instant now,
                     std::span<std::byte> packet,
                     EgressBatch& batch,
                     transport::DatagramSink& sink,
                     WorkerStats& stats);
    // Offers what came to those who are subscribed.
    void forward_pending(Instant now, EgressBatch& batch, transport::DatagramSink& sink);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // Sends what the pacer held back; see Downlink::release().
    Instant release(Instant now, EgressBatch& batch, transport::DatagramSink& sink) {
        return downlink_.release(now, batch, sink);
    }

    // Sends what is due to find out how much the client can take.
    void send_probes(Instant now, EgressBatch& batch, transport::DatagramSink& sink);
    // Reports and feedback that are due.
    void send_feedback(Instant now, transport::DatagramSink& sink, WorkerStats& stats);
    // Says goodbye; nothing else may be called afterwards but the destructor.
    void close(Instant now, transport::DatagramSink& sink);

    [[nodiscard]] const rtp::ExtensionIds& extension_ids() const {
        return publisher_.extension_ids();
    }

    [[nodiscard]] ParticipantId handle() const { return handle_; }

    // Asks the worker to settle this participant at the end of the call at hand.
    void touch() override;

    void set_handle(ParticipantId handle) {
        handle_ = handle;
        downlink_.set_owner(handle);
    }

    void clear_touched() { touched_ = false; }

    // Bookkeeping for the worker, which finds participants by path and by ufrag. Returns the path
    // that was forgotten for it.
    std::optional<transport::Path> remember_path(const transport::Path& path);

    void forget_path(const transport::Path& path) { std::erase(paths_, path); }

    [[nodiscard]] const std::vector<transport::Path>& paths() const { return paths_; }

    void remember_ufrag(std::string ufrag) { ufrags_.push_back(std::move(ufrag)); }

    [[nodiscard]] const std::vector<std::string>& ufrags() const { return ufrags_; }

    void set_conference(Conference* conference) { conference_ = conference; }

    [[nodiscard]] Conference* conference() const { return conference_; }

    // Whether it was sent media, or sent some, since the last call.
    [[nodiscard]] bool take_media_moved();

    void on_connected(Instant now);
    bool subscribe(Instant now, PublishedTrack& track);
    bool unsubscribe_from(const TrackOwner& owner);

    void unsubscribe_all() { subscriber_.unsubscribe_all(); }

    [[nodiscard]] const std::string& id() const { return config_.id; }

    [[nodiscard]] std::uint64_t connection() const { return config_.connection; }

    [[nodiscard]] const std::string& identity() const override { return config_.identity; }

    [[nodiscard]] const std::string& watch_identity() const { return config_.watch_identity; }

    [[nodiscard]] bool hidden() const { return config_.hidden; }

    [[nodiscard]] bool connected() const override { return transport_.connected(); }

    [[nodiscard]] bool wants_tracks() const {
        return config_.can_subscribe && connected() && subscriber_.has_free_section();
    }

    [[nodiscard]] transport::PeerTransport& transport() { return transport_; }

    [[nodiscard]] const transport::PeerTransport& transport() const { return transport_; }

    [[nodiscard]] const std::vector<std::unique_ptr<PublishedTrack>>& tracks() const override {
        return publisher_.tracks();
    }

    [[nodiscard]] const std::vector<std::unique_ptr<Subscription>>& subscriptions() const {
        return subscriber_.subscriptions();
    }

    [[nodiscard]] const rtp::HeaderExtensionParser& extension_parser() const override {
        return publisher_.extension_parser();
    }

    // See Switchboard. False where no section is meant.
    bool set_layer_wish(Instant now, std::string_view mid, const LayerWish& wish) {
        return subscriber_.set_layer_wish(now, mid, wish);
    }

    [[nodiscard]] const Downlink& downlink() const { return downlink_; }

    [[nodiscard]] std::vector<SenderDescription> describe_senders() const;
    [[nodiscard]] ParticipantInfo describe(Instant now) const;

  private:
    Participant(Instant now,
                ParticipantConfig config,
                std::span<const MediaSection> sections,
                RandomSource& random,
                TouchList& touched,
                PacingList& pacing);

    struct RtcpHandler;
    void send_reports(Instant now, RtcpSender& rtcp);

    ParticipantConfig config_;
    TouchList& touch_list_;
    ParticipantId handle_;
    bool touched_ = false;
    Conference* conference_ = nullptr;
    std::string cname_;
    std::uint32_t rtcp_ssrc_ = 0;
    bool reduced_size_ = false;
    rtp::NtpClock ntp_;
    transport::PeerTransport transport_;
    Publisher publisher_;
    Downlink downlink_;
    Subscriber subscriber_;
    BandwidthShare bandwidth_share_;
    Instant reports_at_ = kNever;
    std::uint64_t media_packets_seen_ = 0;  // by take_media_moved()
    std::size_t paths_max_;
    std::vector<transport::Path> paths_;
    std::vector<std::string> ufrags_;
};

}  // namespace isthmus::media::sfu
