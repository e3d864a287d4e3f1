// What signaling costs in rooms of many: joins, and turns beside rooms that are idle. Media and
// sockets are left out: the switchboard answers without either, sockets count their bytes.
//
// Items are joins, or turns.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <benchmark/benchmark.h>
#include <signaling/livekit/proto/rtc.pb.h>
#include <spdlog/fmt/fmt.h>

#include "base/log.h"
#include "base/random.h"
#include "signaling/livekit/rooms.h"
#include "tests/signaling/scripted_switchboard.h"

namespace isthmus::signaling::livekit {
namespace {

constexpr int kPublishers = 3;
// As tools/node ticks.
constexpr Duration kTick = std::chrono::milliseconds(100);
// Whatever may wait has been told by then.
constexpr int kTicksToSettle = 25;

// Thousands join: their lines would be all that is seen.
const bool kQuiet = [] {
    log::configure({.level = log::Level::kWarning});
    return true;
}();

class CountingSink final : public http::WebSocketSink {
  public:
    void send(bool /*binary*/, http::WebSocketPayload payload) override {
        bytes += payload->size();
    }

    void close(std::uint16_t /*code*/, std::string_view /*reason*/) override {}

    std::uint64_t bytes = 0;
};

struct Client {
    Client(Rooms& rooms, Admission admission) : socket(rooms, std::move(admission)) {
        socket.on_open(sink);
    }

    CountingSink sink;
    SignalSocket socket;
};

[[nodiscard]] std::string read_offer() {
    std::ifstream file("tests/data/sdp/chromium_six_recvonly_and_data_channel.sdp",
                       std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Node {
  public:
    Node() {
        switchboard_.on_event([this](const auto& event) { rooms_.on_event(event); });
        switchboard_.on_connection_gone(
            [this](const auto& gone) { rooms_.on_connection_gone(gone); });
        tick();
    }

    [[nodiscard]] bool ready() const { return !offer_.empty(); }

    // Whole: offer, answer, connected.
    Client& join(const std::string& room) {
        Admission admission;
        admission.token.issuer = "key";
        admission.token.identity = "participant " + std::to_string(++joins_);
        admission.token.name = "Somebody with a name";
        admission.token.expires_unix_s = 2'000'000'000;
        admission.token.video.room = room;
        admission.token.video.room_join = true;
        admission.join.mutable_connection_settings()->set_auto_subscribe(true);
        admission.join.mutable_publisher_offer()->set_type("offer");
        admission.join.mutable_publisher_offer()->set_id(1);
        admission.join.mutable_publisher_offer()->set_sdp(offer_);
        Client& client = clients_.emplace_back(rooms_, std::move(admission));
        switchboard_.answer_all();
        const media::JoinRequest& request = switchboard_.joins.back();
        connection_ = {.value = ++connections_};
        switchboard_.emit(media::ParticipantJoined{.connection = connection_,
                                                   .conference = request.conference,
                                                   .conference_id = "RM_1",
                                                   .participant_id = request.participant_id,
                                                   .identity = request.identity,
                                                   .name = request.name});
        switchboard_.emit(media::ParticipantConnected{.connection = connection_});
        switchboard_.joins.clear();
        return client;
    }

    // Who joined last publishes sound and a picture.
    void publish() {
        const std::string number = std::to_string(connection_.value);
        switchboard_.emit(media::TrackPublished{.connection = connection_,
                                                .track_id = "TR_A" + number,
                                                .mid = "0",
                                                .kind = media::rtp::MediaKind::kAudio,
                                                .codec = "opus"});
        switchboard_.emit(media::TrackPublished{.connection = connection_,
                                                .track_id = "TR_V" + number,
                                                .mid = "1",
                                                .kind = media::rtp::MediaKind::kVideo,
                                                .codec = "VP8"});
    }

    void fill(const std::string& room, std::int64_t people) {
        for (std::int64_t i = 0; i < people; ++i) {
            join(room);
            if (i < kPublishers) {
                publish();
            }
        }
        settle();
    }

    void leave_last() {
        proto::SignalRequest request;
        request.mutable_leave()->set_reason(proto::CLIENT_INITIATED);
        clients_.back().socket.on_message(true, request.SerializeAsString());
        clients_.back().socket.on_close();
        clients_.pop_back();
        switchboard_.answer_all();
        switchboard_.leaves.clear();
    }

    void tick() {
        now_ += kTick;
        rooms_.on_tick(now_);
    }

    void settle() {
        for (int i = 0; i < kTicksToSettle; ++i) {
            tick();
        }
    }

    void turn(Client& client) {
        proto::SignalRequest request;
        request.mutable_ping_req()->set_timestamp(1);
        client.socket.on_message(true, request.SerializeAsString());
    }

    [[nodiscard]] std::uint64_t bytes_sent() const {
        std::uint64_t bytes = 0;
        for (const Client& client : clients_) {
            bytes += client.sink.bytes;
        }
        return bytes;
    }

  private:
    std::string offer_ = read_offer();
    ScriptedSwitchboard switchboard_;
    SeededRandom random_{1};
    Rooms rooms_{{.keys = {{"key", "secret"}}, .room = {}, .ice_servers = {}, .tell = {}},
                 switchboard_,
                 random_,
                 [] { return std::int64_t{1'700'000'000'000}; }};
    Instant now_{std::chrono::seconds(100)};
    std::deque<Client> clients_;
    media::ConnectionId connection_{};
    std::uint64_t connections_ = 0;
    std::uint64_t joins_ = 0;
};

// One at a time: everybody is told of each by itself.
void join_alone(benchmark::State& state) {
    Node node;
    if (!node.ready()) {
        state.SkipWithError("runs in the repository's root");
        return;
    }
    node.fill("demo", state.range(0));
    for (auto _ : state) {
        node.join("demo");
        node.settle();
        state.PauseTiming();
        node.leave_last();
        node.settle();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(join_alone)
    ->Name("JoinAlone")
    ->Arg(100)
    ->Arg(300)
    ->Arg(1000)
    ->Unit(benchmark::kMicrosecond);

// A hundred a second: ten in each tick, and all that is told of them in batches.
void join_in_a_rush(benchmark::State& state) {
    constexpr int kRush = 50;
    constexpr int kPerTick = 10;
    Node node;
    if (!node.ready()) {
        state.SkipWithError("runs in the repository's root");
        return;
    }
    node.fill("demo", state.range(0) - kRush);
    std::uint64_t bytes = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const std::uint64_t before = node.bytes_sent();
        state.ResumeTiming();
        for (int i = 0; i < kRush; ++i) {
            node.join("demo");
            if (i % kPerTick == kPerTick - 1) {
                node.tick();
            }
        }
        node.settle();
        state.PauseTiming();
        bytes += node.bytes_sent() - before;
        for (int i = 0; i < kRush; ++i) {
            node.leave_last();
        }
        node.settle();
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * kRush);
    state.SetLabel(
        fmt::format("{:.0f} bytes a join",
                    static_cast<double>(bytes) / static_cast<double>(state.iterations() * kRush)));
}

BENCHMARK(join_in_a_rush)
    ->Name("JoinInARush")
    ->Arg(100)
    ->Arg(300)
    ->Arg(1000)
    ->Unit(benchmark::kMicrosecond);

// A turn that changes nothing for others, beside rooms in which nothing happens.
void turn_beside_idle_rooms(benchmark::State& state) {
    Node node;
    if (!node.ready()) {
        state.SkipWithError("runs in the repository's root");
        return;
    }
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        node.join("idle " + std::to_string(i));
    }
    Client& client = node.join("demo");
    node.settle();
    for (auto _ : state) {
        node.turn(client);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(turn_beside_idle_rooms)->Name("TurnBesideIdleRooms")->Arg(0)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace isthmus::signaling::livekit
