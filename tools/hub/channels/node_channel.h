// One node's channel: handshake, then JSON-RPC both ways. Internal to this folder.
//
// The WebSocket owns it. What it asks of the database comes back by its number, for it may be gone
// by then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/json/value.hpp>

#include "base/http/web_socket.h"
#include "control-agent/channel/hub_session.h"
#include "control-agent/channel/json_rpc.h"
#include "tools/hub/channels/node_channels.h"
#include "tools/hub/channels/progress_queue.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/fleet/nodes.h"

namespace isthmus::hub {

class NodeChannel final : public http::WebSocketUser {
  public:
    NodeChannel(NodeChannels& channels, std::string remote);
    ~NodeChannel() override;
    NodeChannel(const NodeChannel&) = delete;
    NodeChannel& operator=(const NodeChannel&) = delete;

    void on_open(http::WebSocketSink& sink) override;
    void on_message(bool binary, std::string_view payload) override;
    void on_close() override;

    // There may be commands for the node.
    void wake();
    void end(std::string_view reason);
    void tick(std::int64_t now_ms);

    [[nodiscard]] std::uint64_t number() const { return number_; }

    [[nodiscard]] const std::string& node() const { return node_; }

    [[nodiscard]] bool proven() const { return state_ == State::kProven; }

  private:
    friend class NodeChannels;
    enum class State : std::uint8_t { kAsked, kLookingUp, kProven, kEnded };

    template <typename T>
    void ask(std::move_only_function<Result<T>(const Context&)> job,
             void (NodeChannel::*done)(Result<T>));

    void send(std::string text);
    void send_message(std::string_view message);
    void refuse(std::string_view reason, bool renew);
    // Somebody forges, changes or repeats.
    void alarm(std::string_view what);

    void on_authenticate(std::string_view text);
    void on_looked_up(Result<std::optional<KnownNode>> looked_up);
    void on_claimed(Result<std::optional<Fence>> claimed);

    void on_frame(std::string_view text);
    void on_request(const channel::RpcRequest& request);
    void on_response(const channel::RpcResponse& response);
    void on_heartbeat(const channel::RpcRequest& request);
    void on_events(const channel::RpcRequest& request);
    void on_progress(const channel::RpcRequest& request);
    void on_renew(const channel::RpcRequest& request);
    void on_connector_call(const channel::RpcRequest& request);

    void on_connector_answered() { --connector_jobs_; }

    void answer(const std::optional<channel::RpcId>& id, const Result<boost::json::value>& result);
    // As ask(), and answers the request with what comes back. Refuses where too much is under way.
    // `then` is called after the answer.
    void ask_and_answer(const std::optional<channel::RpcId>& id,
                        std::move_only_function<Result<boost::json::value>(const Context&)> job,
                        void (NodeChannel::*then)() = nullptr);
    void keep_progress(ProgressQueue::Told told);
    void keep_progress();
    void on_progress_kept(const ProgressQueue::Batch& batch, const std::vector<Result<void>>& kept);
    void on_noted(Result<bool> kept);
    void on_commands(Result<std::vector<channel::Command>> commands);

    NodeChannels* channels_;
    std::uint64_t number_;
    std::string remote_;
    std::int64_t began_ms_;
    std::int64_t heard_ms_;
    http::WebSocketSink* sink_ = nullptr;
    State state_ = State::kAsked;
    std::shared_ptr<const Keyring> keyring_;  // of the time when the channel began
    std::unique_ptr<channel::HubSession> session_;
    channel::NodeClaim claim_;
    std::string welcome_;  // until the node is claimed
    std::string node_;
    std::string organisation_;
    channel::PublicKey node_key_;
    Fence fence_;
    std::size_t report_hash_ = 0;  // of what the last written report said, load apart
    std::int64_t report_written_ms_ = 0;
    std::int64_t jobs_ = 0;  // at the database, those of connectors too
    std::int64_t connector_jobs_ = 0;
    bool settled_ = false;  // counted among the connected
    bool taking_commands_ = false;
    bool take_again_ = false;
    bool commands_lost_ = false;  // perhaps marked as sent, and not sent
    ProgressQueue progress_;
    std::int64_t next_call_ = 1;
    std::unordered_map<std::int64_t, std::string> calls_;  // to command ids
};

}  // namespace isthmus::hub
