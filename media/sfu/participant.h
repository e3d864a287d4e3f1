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
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "media/rtp/ntp_time.h"
#include "media/sfu/bandwidth_share.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/connection_meter.h"
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

// What a new description made of a participant.
struct SectionChanges {
    TrackChanges tracks;
    // Of sections that there are no more; they carry nothing.
    std::vector<std::unique_ptr<Subscription>> subscriptions;
};

struct ParticipantConfig {
    std::string id;                // "PA_..."
    std::uint64_t connection = 0;  // ConnectionId
    std::string identity;
    std::string name;
    bool can_publish = false;
    bool can_subscribe = false;
    bool hidden = false;
    std::string watch_identity;
    bool names_tracks = false;  // see JoinRequest
    std::int64_t joined_at_unix_ms = 0;
    std::int64_t unix_ns_at_zero = 0;  // wall clock at Instant{}
    SfuLimits limits;
    congestion::CongestionConfig congestion;
    transport::PeerTransportConfig transport;
};

// What the worker keeps of all its participants.
struct ParticipantLists {
    TouchList& touched;
    PacingList& pacing;
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
        ParticipantLists lists);

    // The sections are these now; refused like make(). What ended is the caller's, who tells the
    // conference.
    [[nodiscard]] Result<SectionChanges> renegotiate(std::span<const MediaSection> sections);
    // Where make() was not told whom to connect to: the client's answer.
    void answer(Instant now,
                transport::IceCredentials remote_ice,
                const transport::Fingerprint& remote_fingerprint,
                transport::DtlsRole local_role);

    // The client's credentials and certificate are known.
    [[nodiscard]] bool answered() const { return !config_.transport.remote_ice.ufrag.empty(); }

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
    // A free section takes the track, or those that want it. True where there was one.
    bool subscribe(Instant now, PublishedTrack& track);

    bool unsubscribe_from(const TrackOwner& owner) { return subscriber_.unsubscribe_from(owner); }

    bool unsubscribe_from(const PublishedTrack& track) {
        return subscriber_.unsubscribe_from(track);
    }

    // See Subscriber.
    template <typename Find>
    void bind_all_wanted(Instant now, Find&& find) {
        subscriber_.bind_all_wanted(now, std::forward<Find>(find));
    }

    void unsubscribe_all() { subscriber_.unsubscribe_all(); }

    [[nodiscard]] const std::string& id() const { return config_.id; }

    [[nodiscard]] std::uint64_t connection() const { return config_.connection; }

    [[nodiscard]] const std::string& identity() const override { return config_.identity; }

    [[nodiscard]] const std::string& participant_id() const override { return config_.id; }

    [[nodiscard]] const std::string& watch_identity() const { return config_.watch_identity; }

    [[nodiscard]] bool names_tracks() const { return config_.names_tracks; }

    [[nodiscard]] bool hidden() const { return config_.hidden; }

    [[nodiscard]] bool connected() const override { return transport_.connected(); }

    // Has been connected, whether it is still or not.
    [[nodiscard]] bool connected_before() const { return reports_at_ != kNever; }

    [[nodiscard]] bool wants_tracks() const {
        return config_.can_subscribe && connected() && subscriber_.has_free_section();
    }

    // Once answered().
    [[nodiscard]] transport::DtlsRole local_role() const { return config_.transport.role; }

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

    // See Publisher.
    template <typename Tell>
    void poll_demands(Instant now, Tell&& tell) {
        publisher_.poll_demands(now, std::forward<Tell>(tell));
    }

    // `tell` is called with the track and `true` where a video is held back for want of bandwidth
    // from now on, with `false` where it is sent again.
    template <typename Tell>
    void poll_starved(Tell&& tell) {
        if (bandwidth_share_.shares() == seen_shares_) {
            return;
        }
        seen_shares_ = bandwidth_share_.shares();
        for (const auto& subscription : subscriber_.subscriptions()) {
            if (const auto starved = subscription->poll_starved()) {
                tell(*subscription->track(), *starved);
            }
        }
    }

    // How the connection fared, once per ConnectionMeter::kInterval.
    [[nodiscard]] std::optional<ConnectionFigures> poll_figures(Instant now);

    [[nodiscard]] const Downlink& downlink() const { return downlink_; }

    [[nodiscard]] std::vector<SenderDescription> describe_senders() const;
    [[nodiscard]] ParticipantInfo describe(Instant now) const;

  private:
    Participant(Instant now,
                ParticipantConfig config,
                std::span<const MediaSection> sections,
                RandomSource& random,
                ParticipantLists lists);

    [[nodiscard]] static Result<void> check(const ParticipantConfig& config,
                                            std::span<const MediaSection> sections);

    // As far as reports and feedback tell.
    [[nodiscard]] double loss_down() const;
    [[nodiscard]] double round_trip_seconds() const;

    struct RtcpHandler;
    void send_reports(Instant now, RtcpSender& rtcp);

    ParticipantConfig config_;
    RandomSource& random_;
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
    std::uint64_t seen_shares_ = 0;
    ConnectionMeter meter_;
    Instant reports_at_ = kNever;
    std::uint64_t media_packets_seen_ = 0;  // by take_media_moved()
    std::size_t paths_max_;
    std::vector<transport::Path> paths_;
    std::vector<std::string> ufrags_;
};

}  // namespace isthmus::media::sfu
