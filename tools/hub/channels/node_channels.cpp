#include "tools/hub/channels/node_channels.h"

#include <utility>
#include <vector>

#include "base/http/web_socket.h"
#include "tools/hub/channels/node_channel.h"

namespace isthmus::hub {

NodeChannels::NodeChannels(Work& work,
                           std::shared_ptr<const Keyring> keyring,
                           std::string instance,
                           const ChannelLimits& limits)
    : work_(&work), keyring_(std::move(keyring)), instance_(std::move(instance)), limits_(limits) {}

NodeChannels::~NodeChannels() {
    // The server ends the channels before; those that it could not are told that nobody is left.
    for (const auto& [number, channel] : by_number_) {
        channel->channels_ = nullptr;
    }
}

void NodeChannels::add_routes(http::Router& router) {
    router.add_web_socket(
        "/v1/channel",
        [this](const http::Request& request)
            -> std::expected<std::unique_ptr<http::WebSocketUser>, http::Response> {
            if (counters_.unproven >= limits_.unproven) {
                return std::unexpected(
                    http::Response::problem(503, "Too many nodes come at once; try again."));
            }
            return std::make_unique<NodeChannel>(*this, request.remote_address);
        });
}

void NodeChannels::wake(const std::string& node) {
    if (const auto found = by_node_.find(node); found != by_node_.end()) {
        found->second->wake();
    }
}

void NodeChannels::cut(const std::string& node, std::string_view reason) {
    if (const auto found = by_node_.find(node); found != by_node_.end()) {
        found->second->end(reason);
    }
}

std::optional<std::int64_t> NodeChannels::fence_of(const std::string& node) const {
    const auto found = by_node_.find(node);
    return found == by_node_.end() ? std::nullopt : std::optional(found->second->fence_.number);
}

ChannelCensus NodeChannels::census() const {
    ChannelCensus census{.nodes = by_node_.size()};
    for (const auto& [node, channel] : by_node_) {
        census.fences += channel->fence_.number;
    }
    return census;
}

std::vector<std::string> NodeChannels::nodes() const {
    std::vector<std::string> nodes;
    nodes.reserve(by_node_.size());
    for (const auto& [node, channel] : by_node_) {
        nodes.push_back(node);
    }
    return nodes;
}

void NodeChannels::tick() {
    const std::int64_t now_ms = work_->now_ms();
    std::vector<NodeChannel*> all;
    all.reserve(by_number_.size());
    for (const auto& [number, channel] : by_number_) {
        all.push_back(channel);
    }
    for (NodeChannel* channel : all) {
        channel->tick(now_ms);
    }
}

void NodeChannels::add(NodeChannel& channel) {
    by_number_.emplace(channel.number(), &channel);
    ++counters_.opened;
    ++counters_.unproven;
}

void NodeChannels::remove(NodeChannel& channel) {
    if (by_number_.erase(channel.number()) == 0) {
        return;
    }
    const auto found = by_node_.find(channel.node());
    const bool counted = channel.settled_;
    if (found != by_node_.end() && found->second == &channel) {
        by_node_.erase(found);
    }
    --(counted ? counters_.connected : counters_.unproven);
}

NodeChannel* NodeChannels::find(std::uint64_t number) {
    const auto found = by_number_.find(number);
    return found == by_number_.end() ? nullptr : found->second;
}

void NodeChannels::settle(NodeChannel& channel) {
    channel.settled_ = true;
    --counters_.unproven;
    ++counters_.connected;
    NodeChannel*& place = by_node_[channel.node()];
    if (NodeChannel* older = std::exchange(place, &channel)) {
        older->end("the node has another channel now");
    }
    if (on_claimed_) {
        on_claimed_(channel.node());
    }
}

}  // namespace isthmus::hub
