#include "tests/media/worker/meeting.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <gtest/gtest.h>

#include "media/rtp/header_extensions.h"

namespace isthmus::media::testing {
namespace {

rtp::ExtensionIds client_ids() {
    rtp::ExtensionIds ids;
    ids.set(rtp::ExtensionKind::kMid, 4);
    ids.set(rtp::ExtensionKind::kAudioLevel, 1);
    return ids;
}

transport::SocketAddress address(std::array<std::uint8_t, 4> octets, std::uint16_t port) {
    return {.ip = transport::IpAddress::v4(octets), .port = port};
}

}  // namespace

sfu::MediaSection audio_section(sfu::Direction direction) {
    sfu::MediaSection section{.mid = "audio",
                              .kind = rtp::MediaKind::kAudio,
                              .direction = direction,
                              .formats = {{.payload_type = kOpusType,
                                           .codec = rtp::Codec::kOpus,
                                           .clock_hz = 48000,
                                           .channels = 2,
                                           .fmtp = "minptime=10;useinbandfec=1",
                                           .rtx_payload_type = {},
                                           .transport_cc = true}}};
    section.extensions = client_ids();
    section.rtcp_reduced_size = true;
    return section;
}

sfu::MediaSection video_section(sfu::Direction direction) {
    sfu::MediaSection section{.mid = "video",
                              .kind = rtp::MediaKind::kVideo,
                              .direction = direction,
                              .formats = {{.payload_type = kVp8Type,
                                           .codec = rtp::Codec::kVp8,
                                           .clock_hz = 90000,
                                           .fmtp = {},
                                           .rtx_payload_type = kVp8RtxType,
                                           .nack = true,
                                           .pli = true,
                                           .fir = true,
                                           .transport_cc = true}}};
    section.extensions = client_ids();
    section.rtcp_reduced_size = true;
    return section;
}

std::vector<std::byte> vp8_payload(bool key_frame, std::uint8_t filler) {
    // Descriptor: S bit, partition 0. Then the frame header, whose lowest bit is 0 for key frames
    // (RFC 7741 section 4.3), and the key frame's start code.
    std::vector<std::byte> payload{std::byte{0x10}};
    if (key_frame) {
        for (const unsigned b :
             {0x10U, 0x00U, 0x00U, 0x9DU, 0x01U, 0x2AU, 0x80U, 0x02U, 0x68U, 0x01U}) {
            payload.push_back(static_cast<std::byte>(b));
        }
    } else {
        payload.push_back(std::byte{0x11});
        payload.resize(11);
    }
    payload.resize(payload.size() + 40, std::byte{filler});
    return payload;
}

std::vector<std::byte> make_rtp(const RtpToSend& packet) {
    const rtp::RtpHeaderWriter writer(client_ids(), packet.mid);
    std::vector<std::byte> bytes(rtp::kRtpHeaderBytesMax);
    const std::size_t header = writer.write({.payload_type = packet.payload_type,
                                             .marker = packet.marker,
                                             .seq = packet.seq,
                                             .timestamp = rtp::RtpTimestamp{packet.timestamp},
                                             .ssrc = packet.ssrc},
                                            {},
                                            {.audio_level = packet.level},
                                            bytes);
    bytes.resize(header);
    bytes.insert(bytes.end(), packet.payload.begin(), packet.payload.end());
    return bytes;
}

Client::Client(Instant now,
               simulator::IceClientConfig config,
               RandomSource& random,
               transport::SocketAddress address,
               transport::SocketAddress node)
    : ice_(now, std::move(config), random) {
    ice_.add_path(now, {.local = address, .remote = node});
}

void Client::handle_datagram(Instant now, const transport::Path& path, std::span<std::byte> bytes) {
    ice_.handle_datagram(now, path, bytes);
}

void Client::drain(Instant now, transport::DatagramSink& sink) {
    while (const auto datagram = ice_.poll_datagram()) {
        sink.send({&*datagram, 1});
    }
    while (auto packet = ice_.poll_rtp()) {
        ReceivedRtp received{.bytes = *std::move(packet), .view = {}, .at = now};
        const auto view = rtp::RtpPacketView::parse(received.bytes);
        ASSERT_TRUE(view.has_value());
        received.view = *view;
        rtp.push_back(std::move(received));
    }
    while (auto packet = ice_.poll_rtcp()) {
        rtcp.push_back(*std::move(packet));
    }
}

// The core as a host: one datagram a batch, as a quiet network would bring them.
class Meeting::WorkerNode final : public simulator::Node {
  public:
    WorkerNode(WorkerCoreConfig config, RandomSource& random, transport::SrtpFanout& fanout)
        : core(std::move(config), random, fanout) {}

    void handle_datagram(Instant now,
                         const transport::Path& path,
                         std::span<std::byte> bytes) override {
        const transport::InDatagram datagram{.path = &path, .bytes = bytes};
        core.handle_datagrams(now, {&datagram, 1}, *this->sink());
    }

    void handle_timeout(Instant now) override { core.handle_timeout(now, *sink()); }

    [[nodiscard]] Instant next_timeout() const override { return core.next_timeout(); }

    void drain(Instant /*now*/, transport::DatagramSink& network) override {
        for (const Kept& kept : kept_.datagrams) {
            const transport::OutDatagram out{.path = &kept.path, .bytes = kept.bytes};
            network.send({&out, 1});
        }
        kept_.datagrams.clear();
        std::ranges::move(core.take_events(), std::back_inserter(events));
        while (auto one = core.poll_gone()) {
            gone.push_back(*std::move(one));
        }
    }

    // What the core sends waits here until the network asks for it.
    [[nodiscard]] transport::DatagramSink* sink() { return &kept_; }

    WorkerCore core;
    std::vector<ConferenceEvent> events;
    std::vector<ConnectionGone> gone;

  private:
    struct Kept {
        transport::Path path;
        std::vector<std::byte> bytes;
    };

    struct KeepingSink final : transport::DatagramSink {
        void send(std::span<const transport::OutDatagram> batch) override {
            for (const transport::OutDatagram& one : batch) {
                datagrams.push_back({*one.path, {one.bytes.begin(), one.bytes.end()}});
            }
        }

        std::vector<Kept> datagrams;
    };

    KeepingSink kept_;
};

Meeting::Meeting(std::uint64_t seed, WorkerCoreConfig config)
    : random_(seed),
      network_(simulator_, seed),
      node_address_(address({192, 0, 2, 1}, 5004)),
      fanout_(*transport::make_srtp_fanout(transport::SrtpEngine::kAuto)),
      client_identity_(*transport::DtlsIdentity::make(transport::kSrtpProfilesByPreference)) {
    if (!config.identity) {
        config.identity = *transport::DtlsIdentity::make(transport::kSrtpProfilesByPreference);
    }
    config.unix_ns_at_zero = 1'700'000'000'000'000'000;
    node_ = std::make_unique<WorkerNode>(std::move(config), random_, *fanout_);
    network_.add_host(*node_, {.delay = Duration::zero()}, {.delay = Duration::zero()});
    network_.add_address(*node_, node_address_);
}

Meeting::~Meeting() = default;

WorkerCore& Meeting::core() {
    return node_->core;
}

void Meeting::call(
    const std::function<void(WorkerCore&, Instant, transport::DatagramSink&)>& function) {
    function(node_->core, simulator_.now(), *node_->sink());
    network_.settle(*node_);
}

const std::vector<ConnectionGone>& Meeting::gone() const {
    return node_->gone;
}

const std::vector<ConferenceEvent>& Meeting::all_events() const {
    return node_->events;
}

Result<JoinResult> Meeting::admit(const JoinRequest& request) {
    const ConnectionId connection{next_connection_++};
    auto result = core().join(simulator_.now(), connection, request, *node_->sink());
    network_.settle(*node_);
    return result;
}

std::optional<Joined> Meeting::join(const std::string& identity,
                                    std::vector<sfu::MediaSection> sections,
                                    const simulator::LinkConfig& line) {
    const Instant now = simulator_.now();
    const transport::IceCredentials credentials{.ufrag = random_.next_token(4),
                                                .pwd = random_.next_token(24)};
    JoinRequest request{
        .conference = "demo",
        .identity = identity,
        .name = identity,
        .can_publish = can_publish,
        .can_subscribe = can_subscribe,
        .watch_identity = watch_identity,
        .participant_id = participant_id,
        .names_tracks = names_tracks,
        .beside = beside,
        .description = {.remote_ice = node_offers ? transport::IceCredentials{} : credentials,
                        .remote_fingerprint = node_offers ? transport::Fingerprint{}
                                                          : client_identity_->fingerprint(),
                        .local_role = transport::DtlsRole::kServer,
                        .sections = std::move(sections),
                        .data = data}};
    auto result = admit(request);
    if (!result) {
        error = result.error().message;
        return std::nullopt;
    }
    const auto host = address({198,
                               18,
                               static_cast<std::uint8_t>(next_host_ >> 8U),
                               static_cast<std::uint8_t>(next_host_)},
                              static_cast<std::uint16_t>(40000 + next_host_));
    ++next_host_;
    auto client = std::make_unique<Client>(
        now,
        simulator::IceClientConfig{.local = credentials,
                                   .remote = result->local.ice,
                                   .remote_fingerprint = result->local.fingerprint,
                                   .identity = client_identity_,
                                   .fanout = fanout_.get()},
        random_,
        host,
        node_address_);
    network_.add_host(*client, line, line);
    network_.add_address(*client, host);
    network_.settle(*client);
    return Joined{.connection = result->connection,
                  .client = std::move(client),
                  .senders = std::move(result->local.senders),
                  .credentials = credentials};
}

Result<sfu::LocalDescription> Meeting::renegotiate(
    Joined& joined,
    std::vector<sfu::MediaSection> sections,
    const std::optional<transport::IceCredentials>& credentials) {
    auto local = core().renegotiate(simulator_.now(),
                                    joined.connection,
                                    {.remote_ice = credentials.value_or(joined.credentials),
                                     .remote_fingerprint = client_identity_->fingerprint(),
                                     .local_role = transport::DtlsRole::kServer,
                                     .sections = std::move(sections),
                                     .data = data},
                                    *node_->sink());
    network_.settle(*node_);
    if (local) {
        joined.senders = local->senders;
    }
    return local;
}

Joined Meeting::join_connected(const std::string& identity,
                               std::vector<sfu::MediaSection> sections,
                               const simulator::LinkConfig& line) {
    auto joined = join(identity, std::move(sections), line);
    EXPECT_TRUE(joined.has_value()) << error;
    EXPECT_TRUE(run_until(
        [&] {
            const auto info = participant(identity);
            return info && info->connected && joined->client->ice().connected();
        },
        std::chrono::seconds(20)))
        << identity << " did not connect";
    return *std::move(joined);
}

void Meeting::leave(ConnectionId connection) {
    EXPECT_TRUE(
        core().leave(simulator_.now(), connection, LeaveReason::kClientLeft, *node_->sink()));
    network_.settle(*node_);
}

bool Meeting::set_layer_wish(ConnectionId connection,
                             const std::string& mid,
                             const sfu::LayerWish& wish) {
    const auto done =
        core().set_layer_wish(simulator_.now(), connection, mid, wish, *node_->sink());
    network_.settle(*node_);
    return done.has_value();
}

void Meeting::send_rtp(const Joined& from, const RtpToSend& packet) {
    EXPECT_TRUE(from.client->ice().send_rtp(make_rtp(packet)));
    network_.settle(*from.client);
}

void Meeting::send_rtcp(const Joined& from, std::span<const std::byte> packet) {
    EXPECT_TRUE(from.client->ice().send_rtcp(packet));
    network_.settle(*from.client);
}

sfu::ConferenceInfo Meeting::conference() {
    return core().describe(simulator_.now(), "demo").value_or(sfu::ConferenceInfo{});
}

std::optional<sfu::ParticipantInfo> Meeting::participant(const std::string& identity) {
    for (sfu::ParticipantInfo& one : conference().participants) {
        if (one.identity == identity) {
            return one;
        }
    }
    return std::nullopt;
}

}  // namespace isthmus::media::testing
