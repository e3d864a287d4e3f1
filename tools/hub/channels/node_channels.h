// The channels of all nodes that are connected to this instance. Network thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/http/message.h"
#include "control-agent/channel/protocol_range.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/tenancy/line_limit.h"
#include "tools/hub/tenancy/work.h"

namespace isthmus::hub {

class NodeChannel;

struct ChannelCounters {
    std::uint64_t opened = 0;
    std::uint64_t established = 0;
    std::uint64_t refused = 0;  // by us, with a reason
    std::uint64_t alarms = 0;   // forged, changed, replayed
    std::uint64_t timed_out = 0;
    std::uint64_t heartbeats = 0;
    std::uint64_t reports_written = 0;
    std::uint64_t events = 0;
    std::uint64_t commands_sent = 0;
    std::uint64_t connector_calls = 0;
    std::size_t unproven = 0;  // gauges
    std::size_t connected = 0;
};

struct ChannelLimits {
    std::size_t unproven = 1024;  // connections that have not said who they are
    std::int64_t handshake_ms = 10'000;
    std::int64_t heartbeat_s = 10;
    std::int64_t jobs = 8;            // of one node, at the database at once
    std::int64_t connector_jobs = 4;  // beside those
    channel::ProtocolRange protocols = channel::kProtocols;
};

// Whether two lists of nodes and fences are the same shows in these, but for a chance.
struct ChannelCensus {
    std::size_t nodes = 0;
    std::int64_t fences = 0;  // their sum

    bool operator==(const ChannelCensus&) const = default;
};

class NodeChannels {
  public:
    // `work` outlives it. `instance` names this hub among those on one database.
    NodeChannels(Work& work,
                 std::shared_ptr<const Keyring> keyring,
                 std::string instance,
                 const ChannelLimits& limits);
    ~NodeChannels();
    NodeChannels(const NodeChannels&) = delete;
    NodeChannels& operator=(const NodeChannels&) = delete;

    // At "/v1/channel".
    void add_routes(http::Router& router);

    // There is something for the node in the database; nothing happens where it is not here.
    void wake(const std::string& node);
    // Revoked, removed, or connected elsewhere.
    void cut(const std::string& node, std::string_view reason);
    // Every second: ends those that are too slow or silent.
    void tick();

    // New channels use it; those that are open keep theirs.
    void use_keyring(std::shared_ptr<const Keyring> keyring) { keyring_ = std::move(keyring); }

    [[nodiscard]] const std::shared_ptr<const Keyring>& keyring() const { return keyring_; }

    [[nodiscard]] const ChannelCounters& counters() const { return counters_; }

    // A node has proven itself and is claimed: channels of it elsewhere count no more.
    void call_when_claimed(std::function<void(const std::string& node)> on_claimed) {
        on_claimed_ = std::move(on_claimed);
    }

    [[nodiscard]] bool is_here(const std::string& node) const { return by_node_.contains(node); }

    // Nothing where the node is not here.
    [[nodiscard]] std::optional<std::int64_t> fence_of(const std::string& node) const;
    [[nodiscard]] ChannelCensus census() const;
    [[nodiscard]] std::vector<std::string> nodes() const;

  private:
    friend class NodeChannel;

    void add(NodeChannel& channel);
    void remove(NodeChannel& channel);
    // Null where it is gone: what the database answers may come too late.
    [[nodiscard]] NodeChannel* find(std::uint64_t number);
    // The channel has proven its node; an older one of it is ended.
    void settle(NodeChannel& channel);

    Work* work_;
    std::shared_ptr<const Keyring> keyring_;
    std::string instance_;
    ChannelLimits limits_;
    ChannelCounters counters_;
    // Of those who did not prove a node: anybody can cause them. The counters have them all.
    LineLimit strangers_lines_{10};
    std::function<void(const std::string&)> on_claimed_;
    std::uint64_t next_number_ = 1;
    std::unordered_map<std::uint64_t, NodeChannel*> by_number_;
    std::unordered_map<std::string, NodeChannel*> by_node_;
};

}  // namespace isthmus::hub
