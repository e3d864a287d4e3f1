#include "tools/hub/channels/node_channel.h"

#include <functional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/log.h"
#include "control-agent/channel/certificate.h"
#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/connector_calls.h"
#include "tools/hub/fleet/events.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

// Missed so many heartbeats: gone.
constexpr std::int64_t kHeartbeatsMissed = 4;
constexpr std::size_t kCallsMax = 256;
constexpr std::size_t kReportBytesMax = 64UL * 1024;

std::string text_of(const json::value& value, std::string_view name) {
    return channel::text_field(value, name).value_or("");
}

}  // namespace

NodeChannel::NodeChannel(NodeChannels& channels, std::string remote)
    : channels_(&channels),
      number_(channels.next_number_++),
      remote_(std::move(remote)),
      began_ms_(channels.work_->now_ms()),
      heard_ms_(began_ms_),
      keyring_(channels.keyring_) {
    channels_->add(*this);
}

NodeChannel::~NodeChannel() {
    if (channels_ != nullptr) {
        channels_->remove(*this);
    }
}

template <typename T>
void NodeChannel::ask(std::move_only_function<Result<T>(const Context&)> job,
                      void (NodeChannel::*done)(Result<T>)) {
    ++jobs_;
    channels_->work_->run<T>(std::nullopt,
                             std::move(job),
                             [channels = channels_, number = number_, done](Result<T> result) {
                                 if (NodeChannel* channel = channels->find(number)) {
                                     --channel->jobs_;
                                     (channel->*done)(std::move(result));
                                 }
                             });
}

void NodeChannel::on_open(http::WebSocketSink& sink) {
    sink_ = &sink;
    session_ = std::make_unique<channel::HubSession>(keyring_->identity,
                                                     began_ms_ / 1000,
                                                     channels_->work_->random(),
                                                     channels_->limits_.protocols);
    session_->use_heartbeat(channels_->limits_.heartbeat_s);
    send(session_->hello());
}

void NodeChannel::on_message(bool binary, std::string_view payload) {
    if (binary || state_ == State::kEnded) {
        end("the channel carries text");
        return;
    }
    heard_ms_ = channels_->work_->now_ms();
    switch (state_) {
        case State::kAsked:
            on_authenticate(payload);
            break;
        case State::kProven:
            on_frame(payload);
            break;
        case State::kLookingUp:
            end("a message out of its turn");
            break;
        case State::kEnded:
            break;
    }
}

void NodeChannel::on_close() {
    sink_ = nullptr;
    if (state_ == State::kProven && fence_.number != 0) {
        channels_->work_->run<bool>(
            std::nullopt,
            [fence = fence_](const Context& context) -> Result<bool> {
                release_node(context, fence);
                return true;
            },
            [](Result<bool> /*done*/) {});
    }
    state_ = State::kEnded;
    channels_->remove(*this);
    channels_ = nullptr;
}

void NodeChannel::send(std::string text) {
    if (sink_ != nullptr) {
        sink_->send(false, std::make_shared<const std::string>(std::move(text)));
    }
}

void NodeChannel::send_message(std::string_view message) {
    send(session_->seal(message));
}

void NodeChannel::end(std::string_view reason) {
    if (sink_ != nullptr) {
        sink_->close(http::kCloseNormal, reason);
    }
}

void NodeChannel::refuse(std::string_view reason, bool renew) {
    ++channels_->counters_.refused;
    if (channels_->strangers_lines_.take(channels_->work_->now_ms())) {
        log::info("hub", "node {} at {} refused: {}", claim_.node, remote_, reason);
    }
    send(session_->refuse(reason, renew));
    end(reason);
}

void NodeChannel::alarm(std::string_view what) {
    ++channels_->counters_.alarms;
    const std::string& node = proven() ? node_ : claim_.node;
    if (proven() || channels_->strangers_lines_.take(channels_->work_->now_ms())) {
        log::warning("hub", "channel of node {} at {}: {}", node, remote_, what);
    }
    // Only for nodes that proved themselves: strangers could fill the log of any organisation.
    if (proven()) {
        channels_->work_->run<bool>(
            std::nullopt,
            [organisation = organisation_, node = node_, what = std::string(what)](
                const Context& context) -> Result<bool> {
                record_as(
                    context,
                    organisation,
                    "isthmus-hub",
                    {.action = "channel.alarm", .object = node, .new_value = json::value(what)});
                return true;
            },
            [](Result<bool> /*done*/) {});
    }
    end(what);
}

void NodeChannel::tick(std::int64_t now_ms) {
    if (proven()) {
        if (now_ms - heard_ms_ > channels_->limits_.heartbeat_s * 1000 * kHeartbeatsMissed) {
            ++channels_->counters_.timed_out;
            end("no heartbeat came");
            return;
        }
        if (commands_lost_) {
            wake();
        }
        keep_progress();
    } else if (now_ms - began_ms_ > channels_->limits_.handshake_ms) {
        ++channels_->counters_.timed_out;
        end("the handshake took too long");
    }
}

// --- handshake ---------------------------------------------------------------------------------

void NodeChannel::on_authenticate(std::string_view text) {
    auto claim = session_->handle_authenticate(text);
    if (!claim && claim.error() == channel::ChannelFault::kProtocolUnknown) {
        refuse(fmt::format(
                   "this hub speaks versions {} of the protocol, the agent wants {}; upgrade "
                   "the {}",
                   channels_->limits_.protocols.text(),
                   session_->protocol(),
                   session_->protocol() < channels_->limits_.protocols.oldest ? "agent" : "hub"),
               false);
        return;
    }
    if (!claim) {
        alarm(channel::to_string(claim.error()));
        return;
    }
    claim_ = std::move(*claim);
    state_ = State::kLookingUp;
    ask<std::optional<KnownNode>>(
        [node = claim_.node](const Context& context) -> Result<std::optional<KnownNode>> {
            return look_up_node(context, node);
        },
        &NodeChannel::on_looked_up);
}

void NodeChannel::on_looked_up(Result<std::optional<KnownNode>> looked_up) {
    if (!looked_up) {
        refuse("the hub cannot look the node up now; try again", false);
        return;
    }
    std::optional<KnownNode>& known = *looked_up;
    if (!known) {
        refuse("the hub does not know this node; enrol it anew", false);
        return;
    }
    auto welcome = session_->accept(known->key);
    if (!welcome) {
        alarm(channel::to_string(welcome.error()));
        return;
    }
    // Only now it is the node itself who is told.
    if (known->revoked) {
        refuse("the node was revoked; enrol it anew if it is to come back", false);
        return;
    }
    // Also of an authority that counts no more: the node was away while it was changed.
    const auto certificate = channel::check_certificate(claim_.certificate, keyring_->authorities);
    if (!certificate || certificate->node != claim_.node || certificate->key != known->key ||
        !certificate->valid_at(heard_ms_ / 1000)) {
        refuse("the node's certificate ran out; renew it", true);
        return;
    }
    node_ = claim_.node;
    node_key_ = known->key;
    organisation_ = std::move(known->organisation);
    welcome_ = std::move(*welcome);
    ask<std::optional<Fence>>(
        [node = node_, instance = channels_->instance_](const Context& context)
            -> Result<std::optional<Fence>> { return claim_node(context, node, instance); },
        &NodeChannel::on_claimed);
}

void NodeChannel::on_claimed(Result<std::optional<Fence>> claimed) {
    std::optional<Fence> fence = std::move(claimed).value_or(std::nullopt);
    if (!fence) {
        refuse("the hub cannot take the node in now; try again", false);
        return;
    }
    fence_ = std::move(*fence);
    state_ = State::kProven;
    ++channels_->counters_.established;
    channels_->settle(*this);
    send(std::exchange(welcome_, {}));
    claim_ = {};
    wake();
}

// --- commands to the node ------------------------------------------------------------------------

void NodeChannel::wake() {
    if (!proven()) {
        return;
    }
    if (taking_commands_) {
        take_again_ = true;
        return;
    }
    taking_commands_ = true;
    ask<std::vector<channel::Command>>(
        [fence = fence_, again = std::exchange(commands_lost_, false)](
            const Context& context) -> Result<std::vector<channel::Command>> {
            if (again && holds_fence(context, fence)) {
                resend_commands(context, fence.node);
            }
            return take_commands(context, fence);
        },
        &NodeChannel::on_commands);
}

void NodeChannel::on_commands(Result<std::vector<channel::Command>> commands) {
    taking_commands_ = false;
    // A database that went away in the middle may have kept that they were sent.
    commands_lost_ = !commands;
    if (commands && proven()) {
        for (const channel::Command& command : *commands) {
            const std::int64_t call = next_call_++;
            if (calls_.size() < kCallsMax) {
                calls_.emplace(call, command.id);
            }
            ++channels_->counters_.commands_sent;
            send_message(channel::write_rpc_call(
                call, "command", channel::sign_command(keyring_->identity.key, command)));
        }
    }
    if (std::exchange(take_again_, false)) {
        wake();
    }
}

void NodeChannel::on_response(const channel::RpcResponse& response) {
    const auto* call = response.id ? std::get_if<std::int64_t>(&*response.id) : nullptr;
    const auto found = call != nullptr ? calls_.find(*call) : calls_.end();
    if (found == calls_.end()) {
        return;
    }
    if (!response.result) {
        // The node's gate did not let it through.
        keep_progress({.id = {},
                       .progress = {.command = found->second,
                                    .state = "failed",
                                    .percent = 0,
                                    .message = response.result.error().message,
                                    .result = {}}});
    }
    calls_.erase(found);
}

// --- what the node says
// ----------------------------------------------------------------------------

void NodeChannel::on_frame(std::string_view text) {
    const auto message = session_->open(text);
    if (!message) {
        alarm(channel::to_string(message.error()));
        return;
    }
    auto rpc = channel::parse_rpc(*message);
    if (!rpc) {
        send_message(channel::write_rpc_fault(rpc.error()));
        return;
    }
    if (const auto* request = std::get_if<channel::RpcRequest>(&*rpc)) {
        on_request(*request);
    } else {
        on_response(std::get<channel::RpcResponse>(*rpc));
    }
}

void NodeChannel::on_request(const channel::RpcRequest& request) {
    if (request.method == "heartbeat") {
        on_heartbeat(request);
    } else if (request.method == "events.push") {
        on_events(request);
    } else if (request.method == "command.progress") {
        on_progress(request);
    } else if (request.method == "certificate.renew") {
        on_renew(request);
    } else if (request.method == "connector.call") {
        on_connector_call(request);
    } else if (request.id) {
        // A newer agent may ask for what this hub does not know.
        send_message(channel::write_rpc_error(
            request.id,
            {.code = channel::kRpcMethodNotFound, .message = "this hub has no such method"}));
    }
}

void NodeChannel::on_heartbeat(const channel::RpcRequest& request) {
    ++channels_->counters_.heartbeats;
    answer(request.id, json::value(json::object()));
    const json::object* report = request.params.if_object();
    if (report == nullptr) {
        return;
    }
    // Load changes always; it is worth a write only beside something else, or once in a while.
    json::object steady = *report;
    steady.erase("load");
    const std::size_t hash = std::hash<std::string>{}(json::serialize(steady));
    if (hash == report_hash_ && heard_ms_ - report_written_ms_ < kNoteSeconds * 1000) {
        return;
    }
    NodeReport note{
        .status = json::serialize(*report), .configuration_version = 0, .configuration_state = {}};
    if (note.status.size() > kReportBytesMax ||
        jobs_ - connector_jobs_ >= channels_->limits_.jobs) {
        return;
    }
    if (const json::value* configuration = channel::find_field(request.params, "configuration")) {
        note.configuration_version = channel::integer_field(*configuration, "version").value_or(0);
        note.configuration_state = text_of(*configuration, "state");
    }
    report_hash_ = hash;
    report_written_ms_ = heard_ms_;
    ++channels_->counters_.reports_written;
    ask<bool>(
        [fence = fence_, note = std::move(note)](const Context& context) -> Result<bool> {
            return note_report(context, fence, note);
        },
        &NodeChannel::on_noted);
}

void NodeChannel::on_noted(Result<bool> kept) {
    if (kept && !*kept) {
        end("another channel of this node took over, or it was revoked");
    } else if (!kept) {
        report_hash_ = 0;  // again with the next heartbeat
    }
}

void NodeChannel::on_events(const channel::RpcRequest& request) {
    auto push = read_events(request.params);
    if (!push) {
        answer(request.id, std::unexpected(push.error()));
        return;
    }
    channels_->counters_.events += push->entries.size();
    ask_and_answer(request.id,
                   [fence = fence_, organisation = organisation_, push = std::move(*push)](
                       const Context& context) -> Result<json::value> {
                       const auto kept = keep_events(context, fence, organisation, push);
                       return kept ? Result<json::value>(json::value{{"acknowledged", *kept},
                                                                     {"epoch", push.epoch}})
                                   : std::unexpected(kept.error());
                   });
}

void NodeChannel::on_progress(const channel::RpcRequest& request) {
    Progress progress{.command = text_of(request.params, "id"),
                      .state = text_of(request.params, "state"),
                      .percent = channel::integer_field(request.params, "percent").value_or(0),
                      .message = text_of(request.params, "message"),
                      .result = {}};
    if (const json::value* result = channel::find_field(request.params, "result")) {
        progress.result = *result;
    }
    // The database takes none, and one of them must not keep others from being written.
    if (progress.command.contains('\0') || progress.message.contains('\0')) {
        answer(request.id, make_error(ErrorCode::kInvalidArgument, "text holds a NUL character"));
        return;
    }
    keep_progress({.id = request.id, .progress = std::move(progress)});
}

void NodeChannel::keep_progress(ProgressQueue::Told told) {
    if (progress_.add(std::move(told))) {
        keep_progress();
    } else {
        end("too much is under way; come again");
    }
}

void NodeChannel::keep_progress() {
    using Kept = std::vector<Result<void>>;
    auto batch = std::make_shared<ProgressQueue::Batch>(progress_.begin_batch());
    if (batch->empty()) {
        return;
    }
    channels_->work_->run<Kept>(
        std::nullopt,
        [fence = fence_, batch](const Context& context) -> Result<Kept> {
            Kept kept;
            kept.reserve(batch->size());
            for (const ProgressQueue::Told& told : *batch) {
                kept.push_back(note_progress(context, fence, told.progress));
            }
            return kept;
        },
        [channels = channels_, number = number_, batch](const Result<Kept>& kept) {
            NodeChannel* channel = channels->find(number);
            if (channel == nullptr) {
                return;
            }
            if (!kept && kept.error().code == ErrorCode::kUnavailable) {
                channel->progress_.put_back(std::move(*batch));  // tick() tries again
                return;
            }
            channel->progress_.end_batch();
            channel->on_progress_kept(
                *batch, kept ? *kept : Kept(batch->size(), std::unexpected(kept.error())));
        });
}

void NodeChannel::on_progress_kept(const ProgressQueue::Batch& batch,
                                   const std::vector<Result<void>>& kept) {
    bool lost = false;
    bool failed = false;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Result<void>& done = kept.at(i);
        lost = lost || (!done && done.error().code == ErrorCode::kUnavailable);
        failed = failed || batch[i].progress.state == "failed";
        answer(batch[i].id,
               done ? Result<json::value>(json::object()) : std::unexpected(done.error()));
    }
    if (lost) {
        end("another channel of this node took over, or it was revoked");
        return;
    }
    if (failed) {
        wake();  // what was broken off is told again
    }
    keep_progress();
}

void NodeChannel::on_renew(const channel::RpcRequest& request) {
    const auto key = channel::bytes_field(request.params, "key", channel::kKeyBytes);
    if (!key || channel::PublicKey::from_bytes(*key) != node_key_) {
        answer(request.id,
               make_error(ErrorCode::kPermissionDenied,
                          "a node keeps its key; enrol it anew to change it"));
        return;
    }
    ask_and_answer(
        request.id,
        [node = node_,
         organisation = organisation_,
         key = node_key_,
         keyring = channels_->keyring_](const Context& context) -> Result<json::value> {
            const auto issued =
                keyring->authority.issue_node(node, key, *context.random, context.now_s());
            if (!issued) {
                return std::unexpected(issued.error());
            }
            note_certificate(context, node, issued->serial, issued->not_after_unix_s);
            record_as(
                context,
                organisation,
                "node " + node,
                {.action = "node.renew", .object = node, .new_value = json::value(issued->serial)});
            return json::value{{"certificate", issued->pem}, {"ca", keyring->authorities_pem()}};
        });
}

void NodeChannel::on_connector_call(const channel::RpcRequest& request) {
    auto call = read_connector_call(request.params);
    if (!call) {
        answer(request.id, std::unexpected(call.error()));
        return;
    }
    ++channels_->counters_.connector_calls;
    // They do not take the room of what the node itself has to say.
    if (connector_jobs_ >= channels_->limits_.connector_jobs ||
        jobs_ - connector_jobs_ >= channels_->limits_.jobs) {
        answer(
            request.id,
            make_error(ErrorCode::kLimitExceeded, "too many calls are under way; wait for them"));
        return;
    }
    ++connector_jobs_;
    ask_and_answer(
        request.id,
        [fence = fence_, call = std::move(*call)](const Context& context) -> Result<json::value> {
            return answer_connector_call(context, fence, call);
        },
        &NodeChannel::on_connector_answered);
}

void NodeChannel::answer(const std::optional<channel::RpcId>& id,
                         const Result<json::value>& result) {
    if (!id || !proven()) {
        return;
    }
    send_message(result
                     ? channel::write_rpc_result(*id, *result)
                     : channel::write_rpc_error(id,
                                                {.code = channel::rpc_code_of(result.error().code),
                                                 .message = result.error().message,
                                                 .data = {}}));
}

void NodeChannel::ask_and_answer(const std::optional<channel::RpcId>& id,
                                 std::move_only_function<Result<json::value>(const Context&)> job,
                                 void (NodeChannel::*then)()) {
    if (jobs_ - connector_jobs_ >= channels_->limits_.jobs) {
        answer(id,
               make_error(ErrorCode::kLimitExceeded,
                          "too much is under way; wait for the answers before"));
        return;
    }
    ++jobs_;
    channels_->work_->run<json::value>(
        std::nullopt,
        std::move(job),
        [channels = channels_, number = number_, id, then](const Result<json::value>& result) {
            if (NodeChannel* channel = channels->find(number)) {
                --channel->jobs_;
                channel->answer(id, result);
                if (then != nullptr) {
                    (channel->*then)();
                }
            }
        });
}

}  // namespace isthmus::hub
