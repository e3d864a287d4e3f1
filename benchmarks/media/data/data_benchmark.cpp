// What a data message costs the data thread: sent to one or many receivers, received from a client;
// and what idle associations cost.
//
// Clients are associations of the same stack. Time is CPU time of this thread for the node's side
// alone; nothing is lost or delayed, and DTLS is not in it.
#include <ctime>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "media/data/data_stack.h"

namespace isthmus::media::data {
namespace {

double thread_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

DataLimits without_rates() {
    DataLimits limits;
    limits.messages_per_second_max = limits.messages_burst = 1e12;
    limits.packets_per_second_max = limits.packets_burst = 1e12;
    limits.associations_max = 100'000;
    return limits;
}

// Association 2i is the node's towards client i, 2i + 1 the client's.
class Room {
  public:
    explicit Room(std::size_t clients) : clients_(clients), stack_(without_rates()) {
        for (std::size_t i = 0; i < clients; ++i) {
            CHECK(stack_.open(now_, node(i), StreamParity::kOdd, description({})).has_value());
            CHECK(
                stack_.open(now_, client(i), StreamParity::kEven, description({{.label = "data"}}))
                    .has_value());
        }
        exchange_packets();
        CHECK(stack_.counters().channels == 2 * clients);
    }

    // One message to everybody. Returns the node's seconds.
    double send_to_all(const DataMessage& message) {
        const double before = thread_seconds();
        for (std::size_t i = 0; i < clients_; ++i) {
            stack_.send(node(i), message);
        }
        const double sent = thread_seconds() - before;
        return sent + exchange_packets();
    }

    // One message of everybody. Returns the node's seconds.
    double send_from_all(const DataMessage& message) {
        for (std::size_t i = 0; i < clients_; ++i) {
            stack_.send(client(i), message);
        }
        return exchange_packets();
    }

    // Returns seconds.
    double tick() {
        now_ += DataStack::kTick;
        const double before = thread_seconds();
        stack_.handle_timeout(now_);
        return thread_seconds() - before;
    }

    // The node's side of a client that comes, opens a channel and goes. Returns seconds.
    double come_and_go() {
        CHECK(
            stack_
                .open(now_, client(clients_), StreamParity::kEven, description({{.label = "data"}}))
                .has_value());
        const double before = thread_seconds();
        CHECK(stack_.open(now_, node(clients_), StreamParity::kOdd, description({})).has_value());
        double seconds = thread_seconds() - before;
        seconds += exchange_packets();
        CHECK(stack_.counters().channels == 2 * clients_ + 2);
        const double before_close = thread_seconds();
        stack_.close(node(clients_));
        seconds += thread_seconds() - before_close;
        stack_.close(client(clients_));
        take_packets();
        return seconds;
    }

    [[nodiscard]] const DataCounters& counters() const { return stack_.counters(); }

  private:
    static AssociationId node(std::size_t i) { return {2 * i}; }

    static AssociationId client(std::size_t i) { return {2 * i + 1}; }

    static DataDescription description(std::vector<DataChannelConfig> opens) {
        return {.remote_message_bytes_max = 0, .opens = std::move(opens)};
    }

    double exchange_packets() {
        double seconds = 0;
        for (take_packets(); !packets_.empty(); take_packets()) {
            // Now the node's turn, now the clients'.
            for (const SctpPacket& packet : packets_) {
                if (packet.association.value % 2 == 0) {
                    stack_.handle_packet(now_, {packet.association.value + 1}, packet.bytes);
                }
            }
            const double before = thread_seconds();
            for (const SctpPacket& packet : packets_) {
                if (packet.association.value % 2 == 1) {
                    stack_.handle_packet(now_, {packet.association.value - 1}, packet.bytes);
                }
            }
            seconds += thread_seconds() - before;
        }
        while (stack_.poll_event()) {
        }
        return seconds;
    }

    void take_packets() {
        packets_.clear();
        while (auto packet = stack_.poll_packet()) {
            packets_.push_back(*std::move(packet));
        }
    }

    std::size_t clients_;
    Instant now_{std::chrono::hours(1)};
    DataStack stack_;
    std::vector<SctpPacket> packets_;
};

DataMessage message_of(std::int64_t bytes) {
    return {
        .channel = 0,
        .binary = true,
        .bytes = std::make_shared<const std::vector<std::byte>>(static_cast<std::size_t>(bytes))};
}

// Counts one for each receiver.
void fan_out(benchmark::State& state) {
    Room room(static_cast<std::size_t>(state.range(1)));
    const DataMessage message = message_of(state.range(0));
    for (auto _ : state) {
        state.SetIterationTime(room.send_to_all(message));
        room.tick();
    }
    CHECK(room.counters().messages_received == room.counters().messages_sent);
    state.SetItemsProcessed(state.iterations() * state.range(1));
    state.SetBytesProcessed(state.iterations() * state.range(1) * state.range(0));
}

BENCHMARK(fan_out)
    ->ArgNames({"bytes", "receivers"})
    ->ArgsProduct({{100, 1000, 15'000, 60'000}, {1, 10, 100}})
    ->Args({100, 1000})
    ->UseManualTime();

void receive(benchmark::State& state) {
    Room room(static_cast<std::size_t>(state.range(1)));
    const DataMessage message = message_of(state.range(0));
    for (auto _ : state) {
        state.SetIterationTime(room.send_from_all(message));
        room.tick();
    }
    CHECK(room.counters().messages_received == room.counters().messages_sent);
    state.SetItemsProcessed(state.iterations() * state.range(1));
    state.SetBytesProcessed(state.iterations() * state.range(1) * state.range(0));
}

BENCHMARK(receive)
    ->ArgNames({"bytes", "clients"})
    ->ArgsProduct({{100, 1000, 15'000, 60'000}, {1, 100}})
    ->UseManualTime();

// Fifty of these a second, whatever is sent.
void idle_tick(benchmark::State& state) {
    Room room(static_cast<std::size_t>(state.range(0)) / 2);
    for (auto _ : state) {
        state.SetIterationTime(room.tick());
    }
}

BENCHMARK(idle_tick)->ArgName("associations")->Arg(100)->Arg(1000)->Arg(4000)->UseManualTime();

// While so many others are there.
void open_and_close(benchmark::State& state) {
    Room room(static_cast<std::size_t>(state.range(0)) / 2);
    for (auto _ : state) {
        state.SetIterationTime(room.come_and_go());
    }
}

BENCHMARK(open_and_close)->ArgName("associations")->Arg(2)->Arg(200)->Arg(2000)->UseManualTime();

}  // namespace
}  // namespace isthmus::media::data
