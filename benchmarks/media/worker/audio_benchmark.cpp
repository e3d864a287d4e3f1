// A room of people with open microphones, of whom three speak, and listeners with three audio
// sections each: what a packet of somebody silent costs, what one of a speaker costs for each
// listener, and what it costs when another one begins to speak.
//
// Time is CPU time of this thread for the worker's part alone, as in forwarding_benchmark.cpp.
#include <deque>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "benchmarks/media/worker/counting_sink.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;

class Room {
  public:
    Room(int people, int listeners) {
        for (int i = 0; i < people; ++i) {
            people_.push_back(meeting_.join_connected("person" + std::to_string(i),
                                                      {audio_section(Direction::kReceive)}));
            paths_.push_back(*people_.back().client->ice().selected_path());
            std::swap(paths_.back().local, paths_.back().remote);
            seqs_.push_back(0);
        }
        for (int i = 0; i < listeners; ++i) {
            std::vector<sfu::MediaSection> sections;
            for (int k = 0; k < 3; ++k) {
                sections.push_back(audio_section(Direction::kSend));
                sections.back().mid = std::to_string(k);
            }
            listeners_.push_back(
                meeting_.join_connected("listener" + std::to_string(i), std::move(sections)));
        }
        now_ = meeting_.simulator().now() + std::chrono::hours(1);
    }

    // A packet of each of [first, last), loud or not, in one batch. Returns the worker's seconds.
    double packets(std::size_t first, std::size_t last, std::uint8_t level) {
        bytes_.clear();
        batch_.clear();
        for (std::size_t i = first; i < last; ++i) {
            CHECK(people_[i].client->ice().send_rtp(
                make_rtp({.payload_type = kOpusType,
                          .seq = seqs_[i],
                          .timestamp = seqs_[i] * 960U,
                          .ssrc = static_cast<std::uint32_t>(1000 + i),
                          .mid = "audio",
                          .payload = std::vector<std::byte>(80),
                          .level = rtp::AudioLevel{.minus_dbov = level}})));
            ++seqs_[i];
            const auto datagram = people_[i].client->ice().poll_datagram();
            CHECK(datagram.has_value());
            bytes_.emplace_back(datagram->bytes.begin(), datagram->bytes.end());
            batch_.push_back({.path = &paths_[i], .bytes = bytes_.back()});
        }
        const double before = thread_seconds();
        meeting_.core().handle_datagrams(now_, batch_, sink);
        return thread_seconds() - before;
    }

    [[nodiscard]] std::uint64_t forwarded() { return meeting_.core().stats().rtp_forwarded; }

    void pass(Duration duration) { now_ += duration; }

    CountingSink sink;

  private:
    Meeting meeting_{1};
    std::deque<Joined> people_;
    std::deque<Joined> listeners_;
    std::deque<transport::Path> paths_;
    std::vector<std::uint16_t> seqs_;
    std::deque<std::vector<std::byte>> bytes_;
    std::vector<transport::InDatagram> batch_;
    Instant now_;
};

constexpr std::uint8_t kRoom = 70;
constexpr std::uint8_t kVoice = 30;

// Three speak, with a pause in every quarter of a second.
double speak(Room& room, std::size_t tick) {
    const double seconds = room.packets(0, 3, tick % 12 < 2 ? kRoom : kVoice);
    room.pass(std::chrono::milliseconds(20));
    return seconds;
}

// Items are packets of silent people, 32 in a batch.
void silent_packet(benchmark::State& state) {
    Room room(35, static_cast<int>(state.range(0)));
    std::size_t tick = 2;
    for (auto _ : state) {
        speak(room, tick++);
        const std::uint64_t before = room.forwarded();
        state.SetIterationTime(room.packets(3, 35, kRoom));
        CHECK(room.forwarded() == before);
    }
    state.SetItemsProcessed(state.iterations() * 32);
}

// Items are packets of three speakers x listeners.
void speakers_packet(benchmark::State& state) {
    Room room(35, static_cast<int>(state.range(0)));
    std::size_t tick = 2;
    for (auto _ : state) {
        state.SetIterationTime(speak(room, tick++));
    }
    state.SetItemsProcessed(state.iterations() * 3 * state.range(0));
}

// Items are people who begin to speak: one packet, for which every listener is bound anew.
void another_begins(benchmark::State& state) {
    Room room(35, static_cast<int>(state.range(0)));
    std::size_t next = 0;
    for (auto _ : state) {
        room.pass(std::chrono::seconds(2));
        state.SetIterationTime(room.packets(next, next + 1, kVoice));
        next = (next + 1) % 35;
    }
    state.SetItemsProcessed(state.iterations());
}

void listeners(benchmark::internal::Benchmark* benchmark) {
    benchmark->Arg(1)->Arg(100)->Arg(400)->ArgName("listeners")->UseManualTime()->Iterations(500);
}

BENCHMARK(silent_packet)->Name("SilentPacket")->Apply(listeners);
BENCHMARK(speakers_packet)->Name("SpeakersPacket")->Apply(listeners);
BENCHMARK(another_begins)->Name("AnotherBegins")->Apply(listeners);

}  // namespace
}  // namespace isthmus::media::testing
