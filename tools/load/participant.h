// One participant of the load: joins by WHIP, WHEP or LiveKit's signaling, publishes, watches or
// both, and measures.
//
// Sans-I/O: its owner carries its offer to the node and the answer back, brings datagrams and asks
// when to wake it; what it sends goes into the shared batch. One thread.
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
#include "media/client/client_transport.h"
#include "media/client/frame_player.h"
#include "media/client/media_receiver.h"
#include "media/client/media_sender.h"
#include "media/client/packet_batch.h"
#include "media/client/packetiser.h"
#include "media/client/recording.h"
#include "media/client/talk_spurts.h"
#include "tools/load/answer.h"
#include "tools/load/load_options.h"
#include "tools/load/load_sample.h"
#include "tools/load/offer.h"

namespace isthmus::load {

enum class ParticipantState : std::uint8_t {
    kWaiting,    // not asked to join yet
    kSignaling,  // its offer is on its way, or the answer is
    kConnecting,
    kConnected,
    kFailed,
    kClosed,
};

enum class ParticipantRole : std::uint8_t { kPublisher, kViewer };

// Lowest layer first; one without simulcast.
using LayerRecordings = std::vector<std::shared_ptr<const media::client::Recording>>;

// What all participants of one thread share; outlives them.
struct ParticipantContext {
    const LoadOptions& options;
    RandomSource& random;
    std::shared_ptr<const media::transport::DtlsIdentity> identity;
    media::transport::SrtpFanout& fanout;
    media::client::PacketBatch& batch;
    media::rtp::NtpClock ntp;
    const LayerRecordings& recordings;
    DurationSet& durations;
};

class Participant {
  public:
    Participant(ParticipantRole role, std::string name, ParticipantContext& context);

    // The SDP offer; the next one after an answer, where sections were added.
    [[nodiscard]] std::string make_offer();
    // More sections to receive on, for the next offer. At most kSectionsMax are kept.
    void add_receive_sections(std::uint32_t audio, std::uint32_t video);
    void on_signaling_started(Instant now);
    // The first answer begins the connection, later ones change what comes.
    // `local` is the address that this client alone uses, `link` its socket.
    [[nodiscard]] Result<void> take_answer(Instant now,
                                           std::string_view sdp,
                                           const media::transport::SocketAddress& local,
                                           media::transport::LinkId link);

    // What the offer sends, in the order of its first sections.
    [[nodiscard]] const std::vector<OfferedTrack>& tracks() const { return tracks_; }

    [[nodiscard]] const std::string& ufrag() const { return ice_.ufrag; }

    // The fragment that tells the node of `local`, the only candidate, as browsers do (RFC 8840).
    [[nodiscard]] std::string make_trickle(const media::transport::SocketAddress& local) const;

    void fail() { state_ = ParticipantState::kFailed; }

    void handle_datagram(Instant now,
                         const media::transport::Path& path,
                         std::span<std::byte> bytes);

    // The same for SRTP and SRTCP that its owner unprotects together with others': the session, or
    // null before there is one, and the outcome.
    [[nodiscard]] media::transport::SrtpSession* srtp_session() {
        return transport_ ? transport_->srtp_session() : nullptr;
    }

    void handle_unprotected(Instant now,
                            media::client::PlainKind kind,
                            const media::transport::SrtpResult& result);
    // After a batch of datagrams.
    void settle(Instant now);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // The part of it that received media may bring forward.
    [[nodiscard]] Instant next_media_timeout() const {
        return receiver_ ? receiver_->next_timeout() : next_timeout();
    }

    // Says goodbye to the node.
    void close();

    [[nodiscard]] ParticipantState state() const { return state_; }

    [[nodiscard]] ParticipantRole role() const { return role_; }

    [[nodiscard]] const std::string& name() const { return name_; }

    [[nodiscard]] bool has_media() const { return first_media_seen_; }

    void add_counts(Instant now, MediaCounts& counts) const;
    // The jitter of each stream that is received now.
    void add_jitter(Instant now, DurationHistogram& jitter) const;

  private:
    // The wait for ICE and DTLS, as browsers have it.
    static constexpr Duration kConnectLimit = std::chrono::seconds(15);

    struct VideoLayer {
        std::size_t stream = 0;
        media::client::FramePlayer player;
        media::client::Packetiser packetiser;
    };

    struct AudioTrack {
        std::size_t stream = 0;
        media::client::TalkSpurts talk;
    };

    static constexpr std::size_t kSectionsMax = 2048;

    void choose_sections();

    [[nodiscard]] bool receives() const {
        return role_ == ParticipantRole::kViewer || context_.options.livekit;
    }

    [[nodiscard]] Result<void> connect(Instant now,
                                       const NodeAnswer& answer,
                                       const media::transport::SocketAddress& local,
                                       media::transport::LinkId link);
    void add_sections(Instant now, const NodeAnswer& answer);
    void add_sent_section(Instant now,
                          const OfferedTrack& track,
                          const media::client::ClientSection& section,
                          media::client::MediaSender& sender);
    void handle_plain(Instant now,
                      const media::client::ClientTransport& transport,
                      const media::client::PlainPacket& plain);
    void on_connected(Instant now, const media::client::ClientTransport& transport);
    void on_payload(Instant now,
                    const media::client::MediaReceiver& receiver,
                    const media::client::ReceivedPayload& payload);
    void note_first_frame(const media::client::MediaReceiver& receiver);
    void send_media(Instant now,
                    media::client::MediaSender& sender,
                    const media::client::SendContext& context);
    void send_rtcp(Instant now, media::client::ClientTransport& transport);
    [[nodiscard]] Duration frame_interval() const;
    // Of one that is connected.
    [[nodiscard]] media::client::SendContext send_context(
        const media::client::ClientTransport& transport);

    ParticipantRole role_;
    std::string name_;
    ParticipantContext& context_;
    ParticipantState state_ = ParticipantState::kWaiting;
    media::transport::IceCredentials ice_;
    std::uint64_t session_id_ = 0;
    std::uint64_t offers_ = 0;
    std::vector<OfferedTrack> tracks_;
    std::vector<media::rtp::MediaKind> receive_;
    std::optional<media::client::ClientTransport> transport_;
    std::optional<media::client::MediaReceiver> receiver_;
    std::optional<media::client::MediaSender> sender_;
    std::vector<VideoLayer> layers_;
    std::vector<AudioTrack> audio_;
    std::vector<media::client::PayloadPart> parts_;
    std::uint16_t transport_sequence_ = 0;
    Instant signaling_at_{};
    Instant connect_deadline_ = kNever;
    bool first_media_seen_ = false;
    bool first_frame_seen_ = false;
};

// The bytes that RTP payloads of the load's video may have, so that packets have
// options.packet_bytes on the wire.
[[nodiscard]] std::size_t payload_bytes_max(const LoadOptions& options);

}  // namespace isthmus::load
