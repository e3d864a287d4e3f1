// Two SCTP associations of one stack that talk to each other over a simulated link: delay, jitter
// (which reorders), loss and duplication from a seed.
//
//   client (DTLS client, even streams) <--- link ---> node (DTLS server, odd streams)
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "media/data/data_stack.h"
#include "tests/media/data/simulated_time_of_day.h"

namespace isthmus::media::data::testing {

inline constexpr AssociationId kClient{1001};
inline constexpr AssociationId kNode{1002};

struct LinkConfig {
    Duration delay = std::chrono::milliseconds(10);
    Duration jitter{};
    double loss = 0;
    double duplication = 0;
};

class DataPair {
  public:
    explicit DataPair(const DataLimits& limits = {}, std::uint64_t seed = 1);

    // Both begin to connect.
    void open(const DataDescription& client = {}, const DataDescription& node = {});
    void run(Duration duration);
    // Until there is nothing under way, or the time is over.
    void run_until_quiet(Duration duration);

    // What has come, in order; cleared by clear().
    [[nodiscard]] std::vector<DataEvent>& events(AssociationId id) { return events_[id]; }

    [[nodiscard]] std::vector<DataMessage> messages(AssociationId id) const;
    [[nodiscard]] std::vector<ChannelOpened> opened(AssociationId id) const;
    [[nodiscard]] std::vector<std::uint16_t> closed(AssociationId id) const;
    [[nodiscard]] std::optional<FailureReason> failure(AssociationId id) const;

    void clear() { events_.clear(); }

    void send_text(AssociationId from, std::uint16_t channel, std::string_view text);
    void send(AssociationId from, std::uint16_t channel, std::vector<std::byte> bytes);

    DataStack& stack() { return stack_; }

    [[nodiscard]] Instant now() const { return now_; }

    LinkConfig link;
    bool cut = false;  // nothing arrives
    // Every packet that was sent, for those who look at bytes.
    std::vector<SctpPacket> sent;
    bool keep_sent = false;

  private:
    void drain();
    void put_on_link(SctpPacket packet);
    [[nodiscard]] bool chance(double probability);
    [[nodiscard]] Instant arrival();

    void set_now(Instant now);

    SeededRandom random_;
    SimulatedTimeOfDay time_of_day_;
    DataStack stack_;
    Instant now_{};
    std::multimap<Instant, SctpPacket> under_way_;  // by arrival; named by who is to get it
    std::map<AssociationId, std::vector<DataEvent>> events_;
};

[[nodiscard]] std::vector<std::byte> make_bytes(std::string_view text);
[[nodiscard]] std::string as_text(const DataMessage& message);

}  // namespace isthmus::media::data::testing
