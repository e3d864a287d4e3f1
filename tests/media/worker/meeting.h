// A worker's core and whole clients on a simulated network: what the scenario tests of this folder
// are played on.
//
//     publisher -- line --+
//                         +-- core -- line -- node (WorkerCore)
//     viewer    -- line --+
//
// Signaling is the test itself: join() plays the part of the offer and answer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "media/rtp/rtp_header_writer.h"
#include "media/worker/worker_core.h"
#include "tests/simulator/ice_client.h"
#include "tests/simulator/network.h"
#include "tests/simulator/simulator.h"

namespace isthmus::media::testing {

inline constexpr std::uint8_t kOpusType = 111;
inline constexpr std::uint8_t kVp8Type = 96;
inline constexpr std::uint8_t kVp8RtxType = 97;

// Audio (Opus) and video (VP8 with RTX) sections as a browser's offer would have given them.
[[nodiscard]] sfu::MediaSection audio_section(sfu::Direction direction);
[[nodiscard]] sfu::MediaSection video_section(sfu::Direction direction);

// The first packet of a VP8 key frame or of a delta frame (RFC 7741), and `filler` bytes after it.
[[nodiscard]] std::vector<std::byte> vp8_payload(bool key_frame, std::uint8_t filler);

struct RtpToSend {
    std::uint8_t payload_type = kVp8Type;
    std::uint16_t seq = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    bool marker = false;
    std::string mid = "video";
    std::vector<std::byte> payload;
    std::optional<rtp::AudioLevel> level = std::nullopt;
};

[[nodiscard]] std::vector<std::byte> make_rtp(const RtpToSend& packet);

// A received packet, with bytes of its own.
struct ReceivedRtp {
    std::vector<std::byte> bytes;
    rtp::RtpPacketView view;
    Instant at;
};

// One client: an IceClient as a host of the network.
class Client final : public simulator::Node {
  public:
    Client(Instant now,
           simulator::IceClientConfig config,
           RandomSource& random,
           transport::SocketAddress address,
           transport::SocketAddress node);

    void handle_datagram(Instant now,
                         const transport::Path& path,
                         std::span<std::byte> bytes) override;

    void handle_timeout(Instant now) override { ice_.handle_timeout(now); }

    [[nodiscard]] Instant next_timeout() const override { return ice_.next_timeout(); }

    void drain(Instant now, transport::DatagramSink& sink) override;

    [[nodiscard]] simulator::IceClient& ice() { return ice_; }

    std::vector<ReceivedRtp> rtp;              // in order of arrival
    std::vector<std::vector<std::byte>> rtcp;  // plain compounds

  private:
    simulator::IceClient ice_;
};

// What a client's join gave.
struct Joined {
    ConnectionId connection;
    std::unique_ptr<Client> client;
    std::vector<sfu::SenderDescription> senders;
    transport::IceCredentials credentials;  // the client's
};

class Meeting {
  public:
    explicit Meeting(std::uint64_t seed, WorkerCoreConfig config = {});
    ~Meeting();

    // Joins "demo" and begins to connect; nothing where the core refused, with `error` set.
    std::optional<Joined> join(const std::string& identity,
                               std::vector<sfu::MediaSection> sections,
                               const simulator::LinkConfig& line = {});
    // The same, and waits until media can flow. Fails the test where it does not.
    Joined join_connected(const std::string& identity,
                          std::vector<sfu::MediaSection> sections,
                          const simulator::LinkConfig& line = {});
    // What signaling does for a client that the test brings along itself.
    [[nodiscard]] Result<JoinResult> admit(const JoinRequest& request);
    // New sections for who is in already; with the client's credentials unless others are given.
    // Takes over the senders.
    Result<sfu::LocalDescription> renegotiate(
        Joined& joined,
        std::vector<sfu::MediaSection> sections,
        const std::optional<transport::IceCredentials>& credentials = std::nullopt);
    void leave(ConnectionId connection);
    void send_rtp(const Joined& from, const RtpToSend& packet);
    void send_rtcp(const Joined& from, std::span<const std::byte> packet);

    // What a WHEP client asks for at its layer URL.
    [[nodiscard]] bool set_layer_wish(ConnectionId connection,
                                      const std::string& mid,
                                      const sfu::LayerWish& wish);

    void run_for(Duration duration) { simulator_.run_for(duration); }

    [[nodiscard]] bool run_until(const std::function<bool()>& done, Duration limit) {
        return simulator_.run_until(done, limit);
    }

    [[nodiscard]] WorkerCore& core();
    // Calls the core, and lets the network have what it sends.
    void call(const std::function<void(WorkerCore&, Instant, transport::DatagramSink&)>& function);
    [[nodiscard]] sfu::ConferenceInfo conference();
    [[nodiscard]] std::optional<sfu::ParticipantInfo> participant(const std::string& identity);

    [[nodiscard]] simulator::Network& network() { return network_; }

    [[nodiscard]] simulator::Simulator& simulator() { return simulator_; }

    [[nodiscard]] const std::vector<ConnectionGone>& gone() const;

    // Of one kind, since the beginning.
    template <typename Event>
    [[nodiscard]] std::vector<Event> events() const {
        std::vector<Event> found;
        for (const ConferenceEvent& event : all_events()) {
            if (const auto* one = std::get_if<Event>(&event)) {
                found.push_back(*one);
            }
        }
        return found;
    }

    [[nodiscard]] const std::vector<ConferenceEvent>& all_events() const;

    [[nodiscard]] transport::SocketAddress node_address() const { return node_address_; }

    std::string error;  // of the last join that was refused
    // For the next join.
    std::string participant_id;
    bool names_tracks = false;
    bool beside = false;
    bool node_offers = false;                   // the client's answer comes with renegotiate()
    std::optional<data::DataDescription> data;  // also for renegotiate()
    bool can_publish = true;
    bool can_subscribe = true;
    std::string watch_identity;

  private:
    class WorkerNode;

    SeededRandom random_;
    simulator::Simulator simulator_;
    simulator::Network network_;
    transport::SocketAddress node_address_;
    std::unique_ptr<transport::SrtpFanout> fanout_;
    std::shared_ptr<const transport::DtlsIdentity> client_identity_;
    std::unique_ptr<WorkerNode> node_;
    std::uint64_t next_connection_ = 1;
    std::uint16_t next_host_ = 1;
};

}  // namespace isthmus::media::testing
