#include "benchmarks/hub/fleet.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr int kFirstWaitMs = 1000;
constexpr int kLongestWaitMs = 30'000;
constexpr auto kHeartbeat = std::chrono::seconds(10);

// What an agent says of a node with a connector.
json::value heartbeat(std::uint32_t load) {
    return {{"state", "operational"},
            {"maintenance", {{"mode", "off"}}},
            {"versions", {{"agent", "0.1.0"}, {"node", "0.1.0"}, {"directory", "0.1.0"}}},
            {"load",
             {{"cpu", load % 100},
              {"memory_kib", 180'000 + load % 1000},
              {"conferences", load % 20},
              {"participants", load % 200}}},
            {"configuration", {{"version", 3}, {"state", "applied"}}},
            {"alarms", json::array()},
            {"services", {{{"name", "directory"}, {"version", "0.1.0"}, {"state", "running"}}}}};
}

}  // namespace

struct Fleet::Member {
    Member(boost::asio::io_context& io,
           std::unique_ptr<ScriptedDialler> dialler,
           RandomSource& random,
           ScriptedIdentity identity)
        : agent(std::move(dialler), random, std::move(identity)), timer(io) {}

    ScriptedAgent agent;
    boost::asio::steady_timer timer;  // the next attempt, or the next heartbeat
    int wait_ms = kFirstWaitMs;
    bool up = false;
};

Fleet::Fleet(boost::asio::io_context& io,
             SharedTls& tls,
             std::uint16_t port,
             std::vector<ScriptedIdentity> identities,
             int spread_s)
    : io_(&io) {
    for (ScriptedIdentity& identity : identities) {
        auto& member = *members_.emplace_back(std::make_unique<Member>(
            io, make_shared_dialler(io, tls, port), random_, std::move(identity)));
        member.agent.on_established = [this, &member] {
            member.up = true;
            member.wait_ms = kFirstWaitMs;
            ++counters_.established;
            beat_later(member);
        };
        member.agent.on_closed = [this, &member] {
            if (std::exchange(member.up, false)) {
                --counters_.established;
                ++counters_.connections_lost;
            } else {
                ++counters_.attempts_failed;
            }
            connect_later(member, member.wait_ms);
            member.wait_ms = std::min(member.wait_ms * 2, kLongestWaitMs);
        };
        connect_later(member, std::max(1, spread_s * 1000));
    }
}

// Cancelling a timer throws only where it was never a timer.
Fleet::~Fleet() {  // NOLINT(bugprone-exception-escape)
    for (const auto& member : members_) {
        member->agent.on_closed = nullptr;
        member->timer.cancel();
    }
}

void Fleet::connect_later(Member& member, int longest_ms) {
    const auto wait =
        std::chrono::milliseconds(random_.next_u32() % static_cast<unsigned>(longest_ms));
    member.timer.expires_after(wait);
    member.timer.async_wait([&member](const boost::system::error_code& error) {
        if (!error) {
            member.agent.connect();
        }
    });
}

void Fleet::beat_later(Member& member) {
    member.timer.expires_after(kHeartbeat);
    member.timer.async_wait([this, &member](const boost::system::error_code& error) {
        if (error || !member.up) {
            return;
        }
        member.agent.call("heartbeat",
                          heartbeat(random_.next_u32()),
                          [this](const channel::RpcResponse&) { ++counters_.heartbeats_answered; });
        beat_later(member);
    });
}

}  // namespace isthmus::hub
