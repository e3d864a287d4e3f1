// One conference on two workers, each a simulated meeting of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "media/relay/relay_rings.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {

// Two meetings whose clocks go together, and what carries messages between their cores.
class Relay {
  public:
    explicit Relay(std::size_t ring_bytes = relay::RelayRings::kRingBytes)
        : rings_(2, ring_bytes),
          here(1, {.index = 0, .rings = &rings_}),
          there(2, {.index = 1, .rings = &rings_}) {
        here.call([](WorkerCore& core, Instant now, auto&) {
            core.link_conference(now, "demo", "RM_shared", 1);
        });
        there.call([](WorkerCore& core, Instant now, auto&) {
            core.link_conference(now, "demo", "RM_shared", 0);
        });
    }

    void run_for(Duration duration) {
        for (Duration passed{}; passed < duration; passed += std::chrono::milliseconds(1)) {
            here.run_for(std::chrono::milliseconds(1));
            there.run_for(std::chrono::milliseconds(1));
            exchange();
        }
    }

    // Both sides' clocks have to be the same before.
    Joined join(Meeting& meeting, const std::string& identity, sfu::MediaSection section) {
        const Instant before = meeting.simulator().now();
        Joined joined = meeting.join_connected(identity, {std::move(section)});
        Meeting& other = &meeting == &here ? there : here;
        other.run_for(meeting.simulator().now() - before);
        exchange();
        return joined;
    }

    void exchange() {
        for (bool more = true; more;) {
            more = carry(here, 0, there) || carry(there, 1, here);
        }
    }

  private:
    relay::RelayRings rings_;

    static bool carry(Meeting& from, std::uint32_t index, Meeting& to) {
        bool any = false;
        while (auto envelope = from.core().relay().poll_message()) {
            any = true;
            to.call([&](WorkerCore& core, Instant now, transport::DatagramSink& sink) {
                core.handle_relay_message(now, index, std::move(envelope->message), sink);
            });
        }
        from.core().relay().publish([](std::uint32_t) {});
        to.call([&](WorkerCore& core, Instant now, transport::DatagramSink& sink) {
            while (core.handle_relay_packets(now, sink)) {
                any = true;
            }
        });
        return any;
    }

  public:
    Meeting here;
    Meeting there;
};

}  // namespace isthmus::media::testing
