// What isthmus-load reads of a node by the LiveKit protocol: WebSocket frames in pieces, messages,
// and the answers in them.
//
// Input: a byte that says how large the network's pieces are, then pieces of input, each a kind, a
// length and its bytes: for the WebSocket (which was opened well), a message for the session, its
// answer as SDP, changes to a good answer (an offset and a byte, over and over), or sections that
// the node lacks. Before the first of them all of the input is the answer to the upgrade.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/check.h"
#include "base/random.h"
#include "signaling/livekit/protobuf_log.h"
#include "signaling/livekit/signal_codec.h"
#include "signaling/sdp/answer.h"
#include "signaling/sdp/negotiate.h"
#include "tools/load/livekit_session.h"
#include "tools/load/web_socket.h"

namespace isthmus {
namespace {

namespace proto = ::livekit;

class NoSink final : public media::transport::DatagramSink {
  public:
    void send(std::span<const media::transport::OutDatagram> /*datagrams*/) override {}
};

// The bytes that are not read yet.
class Input {
  public:
    explicit Input(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool empty() const { return bytes_.empty(); }

    std::uint8_t byte() {
        const auto first = empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(bytes_.front());
        bytes_.remove_prefix(empty() ? 0 : 1);
        return first;
    }

    std::string_view take(std::size_t bytes) {
        const std::string_view taken = bytes_.substr(0, bytes);
        bytes_.remove_prefix(taken.size());
        return taken;
    }

  private:
    std::string_view bytes_;
};

class Socket {
  public:
    explicit Socket(std::size_t piece) : piece_(piece) {}

    void open() {
        const std::string request = client_.take_output();
        const std::string_view name = "Sec-WebSocket-Key: ";
        const std::string key = request.substr(request.find(name) + name.size(), 24);
        push(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " +
            load::WebSocketClient::accept_of(key) + "\r\n\r\n");
        CHECK(client_.state() == load::WebSocketClient::State::kOpen);
    }

    void push(std::string_view bytes) {
        while (!bytes.empty() && client_.state() != load::WebSocketClient::State::kClosed) {
            const std::string_view part = bytes.substr(0, piece_);
            bytes.remove_prefix(part.size());
            if (!client_.push(part)) {
                CHECK(client_.state() == load::WebSocketClient::State::kClosed);
            }
            while (client_.poll_message().has_value()) {
            }
            static_cast<void>(client_.take_output());
        }
    }

  private:
    std::size_t piece_;
    SeededRandom random_{1};
    load::WebSocketClient client_{
        {.host = "node.example", .port = 8080, .text = "node.example:8080"}, "/rtc/v1", random_};
};

// One participant, and a node that knows how to answer.
class Session {
  public:
    Session() {
        options_.livekit = true;
        const std::string target = session_.make_target("T");
        const std::string_view name = "join_request=";
        proto::JoinRequest join;
        CHECK(signaling::livekit::decode_join_request(
                  target.substr(target.find(name) + name.size()), join)
                  .has_value());
        offer_ = join.publisher_offer();
    }

    void take(std::string_view message) {
        if (!failed_) {
            failed_ = !session_.handle_message(now_, message);
        }
        now_ += std::chrono::milliseconds(500);
        session_.handle_timeout(now_);
        while (const auto bytes = session_.poll_request()) {
            proto::SignalRequest request;
            CHECK(request.ParseFromString(*bytes));
            if (request.has_offer()) {
                offer_ = request.offer();
            }
        }
    }

    void take_answer(std::string sdp) {
        proto::SignalResponse response;
        response.mutable_answer()->set_type("answer");
        response.mutable_answer()->set_id(offer_.id());
        response.mutable_answer()->set_sdp(std::move(sdp));
        take(response.SerializeAsString());
    }

    // Nothing where the offer has become too long for a node.
    [[nodiscard]] std::string good_answer() const {
        const auto parsed = signaling::sdp::parse_session_description(offer_.sdp());
        if (!parsed) {
            return {};
        }
        const auto negotiated =
            signaling::sdp::negotiate(*parsed, {.role = signaling::sdp::Role::kBoth});
        CHECK(negotiated.has_value());
        const media::sfu::LocalDescription local{
            .ice = {.ufrag = "node", .pwd = "ABCDEFGHIJKLMNOPQRSTUVWX"},
            .fingerprint = {},
            .candidates = {
                {.address = {.ip = media::transport::IpAddress::v4({127, 0, 0, 1}), .port = 5004},
                 .priority = 1,
                 .foundation = "1"}}};
        return signaling::sdp::write_session_description(
            signaling::sdp::make_answer(*parsed, *negotiated, local, 1));
    }

  private:
    // Made once: keys take time.
    static const std::shared_ptr<const media::transport::DtlsIdentity>& identity() {
        static const std::shared_ptr<const media::transport::DtlsIdentity> kIdentity =
            *media::transport::DtlsIdentity::make(media::transport::kSrtpProfilesByPreference);
        return kIdentity;
    }

    Instant now_{std::chrono::seconds(100)};
    bool failed_ = false;
    load::LoadOptions options_;
    SeededRandom random_{1};
    NoSink sink_;
    std::unique_ptr<media::transport::SrtpFanout> fanout_ =
        *media::transport::make_srtp_fanout(media::transport::SrtpEngine::kAuto);
    media::client::PacketBatch batch_{*fanout_, sink_};
    load::LayerRecordings recordings_ =
        load::LayerRecordings(3, std::make_shared<media::client::Recording>());
    load::DurationSet durations_;
    load::ParticipantContext context_{.options = options_,
                                      .random = random_,
                                      .identity = identity(),
                                      .fanout = *fanout_,
                                      .batch = batch_,
                                      .ntp = {now_, media::rtp::NtpTime{}},
                                      .recordings = recordings_,
                                      .durations = durations_};
    load::Participant participant_{load::ParticipantRole::kPublisher, "alice", context_};
    load::LivekitSession session_{
        options_,
        participant_,
        {.ip = media::transport::IpAddress::v4({127, 1, 0, 1}), .port = 9},
        media::transport::LinkId{0}};
    proto::SessionDescription offer_;
};

std::string changed(std::string answer, Input changes) {
    while (!changes.empty()) {
        const std::size_t at = (std::size_t{changes.byte()} << 8U) | changes.byte();
        const auto to = static_cast<char>(changes.byte());
        if (!answer.empty()) {
            answer[at % answer.size()] = to;
        }
    }
    return answer;
}

void take_requirement(Session& session, Input counts) {
    proto::SignalResponse response;
    response.mutable_media_sections_requirement()->set_num_audios(counts.byte());
    response.mutable_media_sections_requirement()->set_num_videos(counts.byte());
    session.take(response.SerializeAsString());
}

void read_all(std::string_view bytes) {
    Input input(bytes);
    const std::size_t piece = std::max<std::size_t>(input.byte(), 1);
    Socket(piece).push(bytes);
    Socket socket(piece);
    socket.open();
    Session session;
    while (!input.empty()) {
        const std::uint8_t kind = input.byte();
        const std::string_view part = input.take(input.byte());
        switch (kind % 5) {
            case 0:
                socket.push(part);
                break;
            case 1:
                session.take(part);
                break;
            case 2:
                session.take_answer(std::string(part));
                break;
            case 3:
                session.take_answer(changed(session.good_answer(), Input(part)));
                break;
            default:
                take_requirement(session, Input(part));
                break;
        }
    }
}

}  // namespace
}  // namespace isthmus

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    isthmus::signaling::livekit::silence_protobuf_log();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::read_all({reinterpret_cast<const char*>(data), size});
    return 0;
}
