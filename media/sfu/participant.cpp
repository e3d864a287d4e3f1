#include "media/sfu/participant.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <type_traits>
#include <utility>
#include <variant>

#include <spdlog/fmt/fmt.h>

#include "media/rtp/rtcp_reader.h"
#include "media/sfu/conference.h"
#include "media/sfu/published_track.h"

namespace isthmus::media::sfu {
namespace {

// RFC 3550 section 6.2 would allow one report per 5 s at low rates; browsers report every second on
// video, and lip sync and round trip times are the better for it.
constexpr Duration kReportInterval = std::chrono::seconds(1);
// The first one comes early: until then the receiver plays sound and picture unsynchronised.
constexpr Duration kFirstReportAfter = std::chrono::milliseconds(200);

bool tells_transport_wide(const MediaSection& section) {
    return is_sending(section) &&
           section.extensions.id_of(rtp::ExtensionKind::kTransportSequence) != 0 &&
           std::ranges::any_of(section.formats, &rtp::PayloadFormat::transport_cc);
}

bool tells_by_stream(const MediaSection& section) {
    return is_sending(section) && section.congestion_feedback;
}

// How the client tells when each packet arrived.
PacketFeedback feedback_of(std::span<const MediaSection> sections) {
    if (std::ranges::any_of(sections, tells_transport_wide)) {
        return PacketFeedback::kTransportWide;
    }
    return std::ranges::any_of(sections, tells_by_stream) ? PacketFeedback::kByStream
                                                          : PacketFeedback::kNone;
}

}  // namespace

Result<std::unique_ptr<Participant>> Participant::make(Instant now,
                                                       ParticipantConfig config,
                                                       std::span<const MediaSection> sections,
                                                       RandomSource& random,
                                                       ParticipantLists lists) {
    if (const Result<void> allowed = check(config, sections); !allowed) {
        return std::unexpected(allowed.error());
    }
    return std::unique_ptr<Participant>(
        new Participant(now, std::move(config), sections, random, lists));
}

Result<void> Participant::check(const ParticipantConfig& config,
                                std::span<const MediaSection> sections) {
    const SfuLimits& limits = config.limits;
    const auto publishing = std::ranges::count_if(sections, is_receiving);
    if (publishing > 0 && !config.can_publish) {
        return make_error(ErrorCode::kPermissionDenied, "The token does not allow publishing.");
    }
    if (!config.can_subscribe && std::ranges::any_of(sections, is_sending)) {
        return make_error(ErrorCode::kPermissionDenied, "The token does not allow subscribing.");
    }
    if (std::cmp_greater(publishing, limits.tracks_per_participant)) {
        return make_error(ErrorCode::kLimitExceeded,
                          fmt::format("A participant may publish {} tracks; the offer has {}.",
                                      limits.tracks_per_participant,
                                      publishing));
    }
    if (sections.size() > limits.sections_per_participant) {
        return make_error(ErrorCode::kLimitExceeded,
                          fmt::format("A connection may have {} media sections; the offer has {}.",
                                      limits.sections_per_participant,
                                      sections.size()));
    }
    return {};
}

Participant::Participant(Instant now,
                         ParticipantConfig config,
                         std::span<const MediaSection> sections,
                         RandomSource& random,
                         ParticipantLists lists)
    : config_(std::move(config)),
      random_(random),
      touch_list_(lists.touched),
      cname_(random.next_token(16)),
      rtcp_ssrc_(random.next_u32()),
      reduced_size_(std::ranges::any_of(sections, &MediaSection::rtcp_reduced_size)),
      ntp_(Instant{}, rtp::ntp_from_unix(std::chrono::nanoseconds(config_.unix_ns_at_zero))),
      transport_(now, config_.transport),
      publisher_(sections,
                 *this,
                 config_.limits,
                 static_cast<std::uint32_t>(config_.connection << 8U),
                 random),
      downlink_(transport_, lists.pacing, config_.congestion, feedback_of(sections)),
      subscriber_(sections, downlink_, config_.limits, cname_, random),
      bandwidth_share_(downlink_, subscriber_.subscriptions()),
      paths_max_(config_.transport.limits.paths) {
    ufrags_.push_back(transport_.local_ice().ufrag);
}

Result<SectionChanges> Participant::renegotiate(std::span<const MediaSection> sections) {
    if (const Result<void> allowed = check(config_, sections); !allowed) {
        return std::unexpected(allowed.error());
    }
    reduced_size_ = std::ranges::any_of(sections, &MediaSection::rtcp_reduced_size);
    if (std::ranges::any_of(sections, tells_transport_wide)) {
        downlink_.expect_transport_feedback();
    }
    return SectionChanges{.tracks = publisher_.renegotiate(sections, random_),
                          .subscriptions = subscriber_.renegotiate(sections)};
}

void Participant::answer(Instant now,
                         transport::IceCredentials remote_ice,
                         const transport::Fingerprint& remote_fingerprint,
                         transport::DtlsRole local_role) {
    transport::PeerTransportConfig& config = config_.transport;
    config.remote_ice = std::move(remote_ice);
    config.remote_fingerprint = remote_fingerprint;
    config.role = local_role;
    // Nothing can have come of the one before: it knew nobody.
    transport_ = transport::PeerTransport(now, config);
}

void Participant::touch() {
    if (!touched_) {
        touched_ = true;
        touch_list_.push_back(handle_);
    }
}

bool Participant::take_media_moved() {
    std::uint64_t packets = 0;
    for (const auto& subscription : subscriptions()) {
        packets += subscription->counters().packets;
    }
    for (const auto& track : tracks()) {
        for (const auto& stream : track->streams()) {
            packets += stream->receive.counters().packets;
        }
    }
    return std::exchange(media_packets_seen_, packets) != packets;
}

void Participant::on_connected(Instant now) {
    reports_at_ = now + kFirstReportAfter;
    meter_.start(now);
    if (transport_.handshake_rtt() > Duration::zero()) {
        publisher_.on_rtt(transport_.handshake_rtt());
    }
}

void Participant::handle_rtp(Instant now, std::span<std::byte> packet, WorkerStats& stats) {
    if (const auto plain = transport_.unprotect_rtp(now, packet)) {
        ++stats.rtp_received;
        publisher_.handle_rtp(now, *plain, stats);
    }
}

// Takes one RTCP packet's messages to where they belong.
struct Participant::RtcpHandler {
    Participant& self;
    Instant now;
    EgressBatch& batch;
    transport::DatagramSink& sink;
    WorkerStats& stats;

    void operator()(const rtp::SenderReport& report) const {
        self.publisher_.handle_sender_report(now, report);
        handle_blocks(report.blocks);
    }

    void operator()(const rtp::ReceiverReport& report) const { handle_blocks(report.blocks); }

    void operator()(const rtp::Nack& nack) const {
        Subscription* subscription = self.subscriber_.find(nack.media_ssrc);
        if (subscription != nullptr && subscription->ssrc() == nack.media_ssrc) {
            const auto before = subscription->counters();
            subscription->handle_nack(now, nack, batch, sink);
            stats.nacks_received += subscription->counters().nacks - before.nacks;
            stats.retransmissions +=
                subscription->counters().retransmissions - before.retransmissions;
        }
    }

    void operator()(const rtp::PictureLoss& loss) const { key_frame(loss.media_ssrc); }

    void operator()(const rtp::FullIntraRequest& request) const {
        for (const rtp::FirItem item : request.items) {
            key_frame(item.ssrc);
        }
    }

    void operator()(const rtp::TransportFeedback& feedback) const {
        self.downlink_.on_transport_feedback(now, feedback);
        share();
    }

    void operator()(const rtp::CongestionFeedback& feedback) const {
        self.downlink_.on_congestion_feedback(now, feedback);
        share();
    }

    void operator()(const rtp::Remb& remb) const {
        constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
        self.downlink_.on_remb(
            now, DataRate::bps(static_cast<std::int64_t>(std::min(remb.bitrate_bps, kMost))));
        share();
    }

    // What the rest says is told again by the transport and by reports (Goodbye, CanonicalName,
    // extended reports).
    template <typename Other>
    void operator()(const Other& /*message*/) const {}

  private:
    void handle_blocks(const rtp::WireList<rtp::ReportBlock>& blocks) const {
        const auto reported = self.subscriber_.handle_report_blocks(self.ntp_.to_ntp(now), blocks);
        if (self.downlink_.on_reports(now, reported)) {
            share();
        }
    }

    void share() const {
        if (self.downlink_.estimates()) {
            self.bandwidth_share_.on_estimate(now);
        }
    }

    void key_frame(std::uint32_t ssrc) const {
        if (Subscription* subscription = self.subscriber_.find(ssrc)) {
            ++stats.key_frame_requests_received;
            subscription->handle_key_frame_request(now);
        }
    }
};

void Participant::handle_rtcp(Instant now,
                              std::span<std::byte> packet,
                              EgressBatch& batch,
                              transport::DatagramSink& sink,
                              WorkerStats& stats) {
    const auto plain = transport_.unprotect_rtcp(now, packet);
    if (!plain) {
        return;
    }
    ++stats.rtcp_received;
    auto reader = rtp::RtcpReader::parse(*plain);
    if (!reader) {
        ++stats.rtcp_malformed;
        return;
    }
    const RtcpHandler handler{
        .self = *this, .now = now, .batch = batch, .sink = sink, .stats = stats};
    while (const auto message = reader->next()) {
        std::visit(handler, *message);
    }
    stats.rtcp_malformed += reader->malformed();
    stats.rtcp_unknown += reader->unknown();
}

void Participant::forward_pending(Instant now, EgressBatch& batch, transport::DatagramSink& sink) {
    for (const auto& track : publisher_.tracks()) {
        track->forward_pending(now, batch, sink);
    }
}

void Participant::handle_timeout(Instant now) {
    transport_.handle_timeout(now);
    publisher_.handle_timeout(now);
    downlink_.handle_timeout(now);
    bandwidth_share_.handle_timeout(now);
}

Instant Participant::next_timeout() const {
    return std::min({transport_.next_timeout(),
                     publisher_.next_timeout(),
                     downlink_.next_timeout(),
                     bandwidth_share_.next_timeout(),
                     meter_.next_timeout(),
                     reports_at_});
}

void Participant::send_probes(Instant now, EgressBatch& batch, transport::DatagramSink& sink) {
    if (!downlink_.estimates() || !downlink_.open(now, batch)) {
        return;
    }
    while (const auto probe = downlink_.poll_probe(now, batch, sink)) {
        if (!subscriber_.send_padding(now, *probe, batch, sink)) {
            return;  // nothing to pad with: media will have to do
        }
    }
}

void Participant::send_feedback(Instant now, transport::DatagramSink& sink, WorkerStats& stats) {
    if (!connected()) {
        return;
    }
    RtcpSender rtcp(
        transport_, sink, {.ssrc = rtcp_ssrc_, .cname = cname_, .reduced_size = reduced_size_});
    if (now >= reports_at_) {
        send_reports(now, rtcp);
        reports_at_ = now + kReportInterval;
    }
    publisher_.send_feedback(rtcp, stats);
    rtcp.flush();
    stats.datagrams_sent += rtcp.packets_sent();
    stats.bytes_sent += rtcp.bytes_sent();
}

void Participant::send_reports(Instant now, RtcpSender& rtcp) {
    std::vector<rtp::ReportBlock> blocks;
    publisher_.append_report_blocks(now, blocks);
    subscriber_.send_reports(now, ntp_.to_ntp(now), blocks, rtcp);
}

std::optional<ConnectionFigures> Participant::poll_figures(Instant now) {
    if (!meter_.is_due(now)) {
        return std::nullopt;
    }
    return ConnectionFigures{.loss_up = meter_.finish_interval(now, publisher_.received()),
                             .loss_down = loss_down(),
                             .round_trip_seconds = round_trip_seconds()};
}

double Participant::loss_down() const {
    if (const DownlinkInfo downlink = downlink_.describe(); downlink.measured) {
        return downlink.loss_ratio;
    }
    double worst = 0;
    for (const auto& subscription : subscriber_.subscriptions()) {
        if (subscription->track() != nullptr) {
            worst = std::max(worst, subscription->loss_ratio());
        }
    }
    return worst;
}

double Participant::round_trip_seconds() const {
    const auto seconds = [](Duration duration) {
        return std::chrono::duration<double>(duration).count();
    };
    if (const auto measured = downlink_.describe().round_trip_seconds) {
        return *measured;
    }
    for (const auto& subscription : subscriber_.subscriptions()) {
        if (const auto round_trip = subscription->round_trip()) {
            return seconds(*round_trip);
        }
    }
    return seconds(transport_.handshake_rtt());
}

void Participant::close(Instant now, transport::DatagramSink& sink) {
    transport_.close(now);
    while (const auto datagram = transport_.poll_datagram()) {
        sink.send({&*datagram, 1});
    }
}

std::optional<transport::Path> Participant::remember_path(const transport::Path& path) {
    paths_.push_back(path);
    if (paths_.size() <= paths_max_) {
        return std::nullopt;
    }
    const transport::Path* selected = transport_.selected_path();
    const auto oldest = std::ranges::find_if(paths_, [selected](const transport::Path& candidate) {
        return selected == nullptr || candidate != *selected;
    });
    const transport::Path forgotten = *oldest;
    paths_.erase(oldest);
    return forgotten;
}

bool Participant::subscribe(Instant now, PublishedTrack& track) {
    if (names_tracks()) {
        subscriber_.bind_wanted(now, track);
        return false;
    }
    return subscriber_.subscribe(now, track, !watch_identity().empty());
}

std::vector<SenderDescription> Participant::describe_senders() const {
    std::vector<SenderDescription> descriptions;
    for (const auto& subscription : subscriber_.subscriptions()) {
        if (subscription->sends()) {
            descriptions.push_back(subscription->description());
        }
    }
    return descriptions;
}

ParticipantInfo Participant::describe(Instant now) const {
    ParticipantInfo info{.id = config_.id,
                         .identity = config_.identity,
                         .name = config_.name,
                         .joined_at_unix_ms = config_.joined_at_unix_ms,
                         .connected = connected(),
                         .hidden = hidden(),
                         .remote_address = {},
                         .protocol = {},
                         .srtp_profile = {},
                         .speaking = false,
                         .audio_level_minus_dbov = {},
                         .tracks = {},
                         .subscriptions = {},
                         .downlink = downlink_.describe()};
    info.downlink.layer_choices = bandwidth_share_.shares();
    if (const transport::Path* path = transport_.selected_path()) {
        info.remote_address = path->remote.to_string();
        info.protocol = path->protocol == transport::Protocol::kTcp ? "tcp" : "udp";
    }
    if (const auto profile = transport_.srtp_profile()) {
        info.srtp_profile = transport::name_of(*profile);
    }
    for (const auto& track : publisher_.tracks()) {
        info.tracks.push_back(track->describe(now));
        if (conference_ != nullptr && track->audio_gate().speaker) {
            const AudioSelection& audio = conference_->audio();
            info.speaking = info.speaking || audio.speaking(now, track->audio_gate());
            info.audio_level_minus_dbov = audio.level(track->audio_gate());
        }
    }
    for (const auto& subscription : subscriber_.subscriptions()) {
        info.subscriptions.push_back(subscription->describe());
    }
    return info;
}

}  // namespace isthmus::media::sfu
