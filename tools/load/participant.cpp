#include "tools/load/participant.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "signaling/sdp/answer.h"
#include "signaling/sdp/session_description.h"
#include "signaling/sdp/trickle_fragment.h"

namespace isthmus::load {

using media::client::ClientSection;
using media::client::ClientTransport;
using media::client::MediaReceiver;
using media::client::MediaSender;
using media::client::PlainKind;
using media::rtp::MediaKind;
using media::transport::DtlsState;
using media::transport::Path;
using media::transport::SocketAddress;

namespace {

// Layers as browsers name and scale them.
const std::array<std::string, 3> kRids = {"q", "h", "f"};

// Of each kind, before the node says how many it needs: livekit-client's.
constexpr std::uint32_t kFirstSections = 3;

constexpr std::size_t kUfragCharacters = 4;
constexpr std::size_t kPwdCharacters = 24;

// Fixed header 12, extension header 4, MID 2 to 4, abs-send-time 4, transport-wide number 3,
// padded.
constexpr std::size_t kRtpHeaderBytes = 28;
// Simulcast adds a rid of one character.
constexpr std::size_t kRidBytes = 4;

}  // namespace

std::size_t payload_bytes_max(const LoadOptions& options) {
    const std::size_t overhead =
        kRtpHeaderBytes + (options.simulcast ? kRidBytes : 0) + media::transport::kSrtpTagBytesMax;
    return options.packet_bytes - overhead;
}

Participant::Participant(ParticipantRole role, std::string name, ParticipantContext& context)
    : role_(role), name_(std::move(name)), context_(context) {}

void Participant::choose_sections() {
    const LoadOptions& options = context_.options;
    RandomSource& random = context_.random;
    ice_ = {.ufrag = random.next_token(kUfragCharacters), .pwd = random.next_token(kPwdCharacters)};
    session_id_ = random.next_u64() >> 2U;
    if (options.livekit) {
        add_receive_sections(kFirstSections, kFirstSections);
    } else if (role_ == ParticipantRole::kViewer) {
        add_receive_sections(options.audio ? options.watch_audio : 0,
                             options.video ? options.watch_video : 0);
    }
    if (role_ == ParticipantRole::kViewer) {
        return;
    }
    if (options.audio) {
        tracks_.push_back({.kind = MediaKind::kAudio, .ssrc = random.next_u32()});
    }
    if (options.video) {
        OfferedTrack video{
            .kind = MediaKind::kVideo, .ssrc = random.next_u32(), .rtx_ssrc = random.next_u32()};
        if (options.simulcast) {
            video.rids.assign(kRids.begin(), kRids.end());
        }
        tracks_.push_back(std::move(video));
    }
}

void Participant::add_receive_sections(std::uint32_t audio, std::uint32_t video) {
    const auto add = [this](MediaKind kind, std::uint32_t count) {
        const std::size_t left = kSectionsMax - std::min(kSectionsMax, receive_.size());
        receive_.insert(receive_.end(), std::min<std::size_t>(count, left), kind);
    };
    add(MediaKind::kAudio, audio);
    add(MediaKind::kVideo, video);
}

std::string Participant::make_offer() {
    if (offers_++ == 0) {
        choose_sections();
        state_ = ParticipantState::kSignaling;
    }
    return signaling::sdp::write_session_description(
        load::make_offer({.ice = ice_,
                          .fingerprint = context_.identity->fingerprint(),
                          .cname = name_,
                          .session_id = session_id_,
                          .session_version = offers_,
                          .tracks = tracks_,
                          .receive = receive_,
                          .video_codec = context_.options.codec}));
}

std::string Participant::make_trickle(const SocketAddress& local) const {
    constexpr std::uint32_t kHostPriority = (126U << 24U) | (65535U << 8U) | 255U;
    const bool audio_first = context_.options.audio;
    const std::string candidate = signaling::sdp::write_candidate(
        {.address = local, .priority = kHostPriority, .foundation = "1"});
    return signaling::sdp::write_trickle_fragment(
        {.credentials = ice_,
         .sections = {
             {.media_line = std::string(audio_first ? "audio" : "video") + " 9 UDP/TLS/RTP/SAVPF 0",
              .mid = "0",
              .candidates = {candidate},
              .end_of_candidates = true}}});
}

void Participant::on_signaling_started(Instant now) {
    signaling_at_ = now;
}

Result<void> Participant::take_answer(Instant now,
                                      std::string_view sdp,
                                      const SocketAddress& local,
                                      media::transport::LinkId link) {
    const auto answer = read_answer(sdp);
    if (!answer) {
        return std::unexpected(answer.error());
    }
    if (!transport_) {
        return connect(now, *answer, local, link);
    }
    if (receiver_) {
        receiver_->set_sections(answer->sections);
    }
    return {};
}

Result<void> Participant::connect(Instant now,
                                  const NodeAnswer& answer,
                                  const SocketAddress& local,
                                  media::transport::LinkId link) {
    const auto candidate = std::ranges::find_if(
        answer.candidates,
        [&local](const SocketAddress& each) { return each.ip.is_v4() == local.ip.is_v4(); });
    if (candidate == answer.candidates.end()) {
        return make_error(ErrorCode::kUnavailable,
                          "the node's answer has no candidate of our address family");
    }
    context_.durations.signaling.add(now - signaling_at_);
    add_sections(now, answer);
    transport_.emplace(
        media::client::ClientTransportConfig{.local = ice_,
                                             .remote = answer.ice,
                                             .remote_fingerprint = answer.fingerprint,
                                             .identity = context_.identity,
                                             .role = answer.role,
                                             .fanout = &context_.fanout},
        context_.random);
    transport_->ice().add_path(now, {.local = local, .remote = *candidate, .link = link});
    state_ = ParticipantState::kConnecting;
    connect_deadline_ = now + kConnectLimit;
    settle(now);
    return {};
}

void Participant::add_sections(Instant now, const NodeAnswer& answer) {
    // Somewhere within the next second, so that not all report at once.
    const Instant first_report =
        now + Duration{static_cast<std::int64_t>(context_.random.next_u32() % 1'000'000'000U)};
    if (receives()) {
        receiver_.emplace(answer.sections, context_.random.next_u32(), name_, first_report);
    }
    if (role_ == ParticipantRole::kViewer) {
        return;
    }
    MediaSender& sender = sender_.emplace(context_.ntp, name_, first_report);
    for (std::size_t i = 0; i < answer.sections.size() && i < tracks_.size(); ++i) {
        if (answer.sections[i].send && !answer.sections[i].formats.empty()) {
            add_sent_section(now, tracks_[i], answer.sections[i], sender);
        }
    }
}

void Participant::add_sent_section(Instant now,
                                   const OfferedTrack& track,
                                   const ClientSection& section,
                                   MediaSender& sender) {
    const LoadOptions& options = context_.options;
    media::client::OutboundStreamConfig config{.format = section.formats.front(),
                                               .extensions = section.extensions,
                                               .mid = section.mid,
                                               .rid = {},
                                               .ssrc = track.ssrc,
                                               .rtx_ssrc = track.rtx_ssrc};
    if (section.kind == MediaKind::kAudio) {
        const std::size_t stream = sender.add_stream(std::move(config), context_.random);
        audio_.push_back(
            {.stream = stream,
             .talk = media::client::TalkSpurts(
                 now,
                 {.bitrate_bps = options.audio_bitrate_bps, .spurts = options.talk_spurts},
                 context_.random)});
        return;
    }
    const std::size_t layers = section.rids.empty() ? 1 : section.rids.size();
    for (std::size_t layer = 0; layer < layers; ++layer) {
        // Without simulcast the best picture.
        const std::size_t place = section.rids.empty()
                                      ? context_.recordings.size() - 1
                                      : std::min(layer, context_.recordings.size() - 1);
        const auto& recording = context_.recordings[place];
        if (!section.rids.empty()) {
            config.rid = section.rids[layer];
            config.ssrc = context_.random.next_u32();
            config.rtx_ssrc = context_.random.next_u32();
        }
        const std::size_t stream = sender.add_stream(config, context_.random);
        layers_.push_back({.stream = stream,
                           .player = media::client::FramePlayer(recording, frame_interval()),
                           .packetiser = media::client::Packetiser(
                               recording->codec, recording->filler, payload_bytes_max(options))});
    }
}

void Participant::handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes) {
    if (transport_) {
        handle_plain(now, *transport_, transport_->handle_datagram(now, path, bytes));
    }
}

void Participant::handle_unprotected(Instant now,
                                     PlainKind kind,
                                     const media::transport::SrtpResult& result) {
    if (transport_) {
        handle_plain(now, *transport_, transport_->account(kind, result));
    }
}

void Participant::handle_plain(Instant now,
                               const ClientTransport& transport,
                               const media::client::PlainPacket& plain) {
    switch (plain.kind) {
        case PlainKind::kRtp:
            if (receiver_) {
                if (const auto payload = receiver_->handle_rtp(now, plain.bytes)) {
                    on_payload(now, *receiver_, *payload);
                }
            }
            return;
        case PlainKind::kRtcp:
            if (receiver_) {
                receiver_->handle_rtcp(now, plain.bytes);
            }
            if (sender_) {
                sender_->handle_rtcp(now, plain.bytes, send_context(transport));
            }
            return;
        case PlainKind::kNone:
            return;
    }
}

void Participant::on_payload(Instant now,
                             const MediaReceiver& receiver,
                             const media::client::ReceivedPayload& payload) {
    if (!first_media_seen_) {
        first_media_seen_ = true;
        context_.durations.first_media.add(now - signaling_at_);
    }
    if (payload.sent_at) {
        auto& histogram = payload.kind == MediaKind::kVideo ? context_.durations.video_latency
                                                            : context_.durations.audio_latency;
        histogram.add(now - *payload.sent_at);
    }
    if (!first_frame_seen_ && payload.kind == MediaKind::kVideo) {
        note_first_frame(receiver);
    }
}

void Participant::note_first_frame(const MediaReceiver& receiver) {
    for (const media::client::InboundStream& stream : receiver.streams()) {
        if (const auto at = stream.first_frame_at()) {
            first_frame_seen_ = true;
            context_.durations.first_frame.add(*at - signaling_at_);
            context_.durations.key_frame_wait.add(*at - stream.first_packet_at().value_or(*at));
            return;
        }
    }
}

Duration Participant::frame_interval() const {
    return std::chrono::nanoseconds(1'000'000'000 / context_.options.fps);
}

media::client::SendContext Participant::send_context(const ClientTransport& transport) {
    return {.batch = context_.batch,
            .key = *transport.send_key(),
            .path = *transport.selected_path(),
            .transport_sequence = transport_sequence_};
}

void Participant::settle(Instant now) {
    if (!transport_) {
        return;
    }
    while (const auto datagram = transport_->poll_datagram()) {
        context_.batch.add(*datagram);
    }
    if (state_ == ParticipantState::kConnecting && transport_->connected()) {
        on_connected(now, *transport_);
    }
    const DtlsState dtls = transport_->dtls_state();
    if (dtls == DtlsState::kFailed || dtls == DtlsState::kFingerprintMismatch) {
        fail();
    } else if (dtls == DtlsState::kClosed && state_ == ParticipantState::kConnected) {
        state_ = ParticipantState::kClosed;
    }
}

void Participant::on_connected(Instant now, const ClientTransport& transport) {
    state_ = ParticipantState::kConnected;
    connect_deadline_ = kNever;
    context_.durations.connect.add(now - signaling_at_);
    // Publishers do not all send at the same moment.
    const Instant first = now + Duration{static_cast<std::int64_t>(context_.random.next_u32()) %
                                         frame_interval().count()};
    for (VideoLayer& layer : layers_) {
        layer.player.begin(first);
    }
    if (receiver_ && transport.handshake_rtt() > Duration::zero()) {
        receiver_->on_rtt(transport.handshake_rtt());
    }
}

void Participant::handle_timeout(Instant now) {
    if (!transport_ || state_ == ParticipantState::kFailed) {
        return;
    }
    if (now >= transport_->next_timeout()) {
        transport_->handle_timeout(now);
    }
    if (now >= connect_deadline_) {
        connect_deadline_ = kNever;
        fail();
        return;
    }
    settle(now);
    if (state_ == ParticipantState::kConnected) {
        if (sender_) {
            send_media(now, *sender_, send_context(*transport_));
        }
        send_rtcp(now, *transport_);
    }
}

void Participant::send_media(Instant now,
                             MediaSender& sender,
                             const media::client::SendContext& context) {
    for (AudioTrack& track : audio_) {
        while (const auto packet = track.talk.poll(now)) {
            sender.stream(track.stream)
                .send_frame(now,
                            {.taken_at = packet->taken_at,
                             .parts = {&packet->part, 1},
                             .level = packet->level},
                            context);
        }
    }
    for (VideoLayer& layer : layers_) {
        media::client::OutboundStream& stream = sender.stream(layer.stream);
        if (stream.poll_key_frame_request()) {
            layer.player.request_key_frame();
        }
        while (const auto* frame = layer.player.poll(now)) {
            layer.packetiser.packetise(*frame, parts_);
            stream.send_frame(now, {.taken_at = layer.player.taken_at(), .parts = parts_}, context);
        }
    }
}

void Participant::send_rtcp(Instant now, ClientTransport& transport) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
    std::array<std::byte, MediaReceiver::kRtcpBytesMax + media::transport::kSrtcpOverheadBytesMax>
        buffer;
    const auto drain = [&](auto& half) {
        while (const std::size_t bytes = half.write_rtcp(now, buffer)) {
            if (const auto sealed = transport.protect_rtcp(buffer, bytes)) {
                context_.batch.add({.path = transport.selected_path(), .bytes = *sealed});
            }
        }
    };
    if (receiver_ && now >= receiver_->next_timeout()) {
        receiver_->handle_timeout(now);
        drain(*receiver_);
    }
    if (sender_ && now >= sender_->next_timeout()) {
        drain(*sender_);
    }
}

Instant Participant::next_timeout() const {
    if (!transport_ || state_ == ParticipantState::kFailed) {
        return kNever;
    }
    Instant next = std::min(transport_->next_timeout(), connect_deadline_);
    if (state_ != ParticipantState::kConnected) {
        return next;
    }
    if (receiver_) {
        next = std::min(next, receiver_->next_timeout());
    }
    if (sender_) {
        next = std::min(next, sender_->next_timeout());
    }
    for (const AudioTrack& track : audio_) {
        next = std::min(next, track.talk.next_timeout());
    }
    for (const VideoLayer& layer : layers_) {
        next = std::min(next, layer.player.next_timeout());
    }
    return next;
}

void Participant::close() {
    if (transport_ && state_ == ParticipantState::kConnected) {
        transport_->close();
        while (const auto datagram = transport_->poll_datagram()) {
            context_.batch.add(*datagram);
        }
        state_ = ParticipantState::kClosed;
    }
}

void Participant::add_jitter(Instant now, DurationHistogram& jitter) const {
    if (!receiver_) {
        return;
    }
    for (const media::client::InboundStream& stream : receiver_->streams()) {
        const media::client::InboundStats stats = stream.stats(now);
        if (stats.packets > 1) {
            jitter.add(
                std::chrono::nanoseconds(static_cast<std::int64_t>(stats.jitter_seconds * 1e9)));
        }
    }
}

void Participant::add_counts(Instant now, MediaCounts& counts) const {
    if (transport_) {
        counts.srtp_errors += transport_->counters().srtp_errors;
    }
    if (receiver_) {
        counts.packets += receiver_->counters().packets;
        counts.bad += receiver_->counters().bad;
        counts.unknown += receiver_->counters().unknown;
        for (const media::client::InboundStream& stream : receiver_->streams()) {
            const media::client::InboundStats stats = stream.stats(now);
            counts.media_packets += stats.packets + stats.repaired;
            counts.media_bytes += stats.bytes;
            counts.lost += stats.lost;
            counts.repaired += stats.repaired;
            counts.reordered += stats.reordered;
            counts.duplicates += stats.duplicates;
            counts.nacks += stats.nacks;
            counts.key_frame_requests += stats.key_frame_requests;
            counts.frames += stats.frames.frames;
            counts.freezes += stats.frames.freezes;
            counts.frozen += stats.frozen;
            counts.jitter_max_seconds = std::max(counts.jitter_max_seconds, stats.jitter_seconds);
        }
    }
    if (sender_) {
        counts.bad += sender_->bad();
        for (const media::client::OutboundStream& stream : sender_->streams()) {
            const media::client::OutboundStats stats = stream.stats();
            counts.sent_packets += stats.packets;
            counts.sent_bytes += stats.bytes;
            counts.sent_frames += stats.frames;
            counts.retransmitted += stats.retransmitted;
            counts.key_frames_asked += stats.key_frame_requests;
        }
    }
    for (const VideoLayer& layer : layers_) {
        counts.skipped_frames += layer.player.skipped();
    }
}

}  // namespace isthmus::load
