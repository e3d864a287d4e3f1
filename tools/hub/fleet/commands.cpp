#include "tools/hub/fleet/commands.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/configurations.h"
#include "tools/hub/fleet/counters.h"
#include "tools/hub/fleet/services.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::string_view kApply = "configuration.apply";
constexpr std::string_view kActivate = "service.activate";
constexpr std::string_view kDeactivate = "service.deactivate";
constexpr std::size_t kMessageBytesMax = 4096;
constexpr std::size_t kResultBytesMax = 256UL * 1024;
constexpr std::int64_t kListMax = 100;

const std::vector<std::string> kColumns = {"id",
                                           "node",
                                           "method",
                                           "params",
                                           "author",
                                           "created_s",
                                           "expires_s",
                                           "state",
                                           "percent",
                                           "message",
                                           "result",
                                           "updated_s"};

json::value value_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value(nullptr) : value;
}

json::value describe(const SqlRow& row) {
    return {{"id", row.text(0)},
            {"node", row.text(1)},
            {"method", row.text(2)},
            {"params", channel::redact_secrets(value_of(row.text(3)))},
            {"author", row.text(4)},
            {"createdS", row.integer(5)},
            {"expiresS", row.integer(6)},
            {"state", row.text(7)},
            {"percent", row.integer(8)},
            {"message", row.text(9)},
            {"result", value_of(row.text(10))},
            {"updatedS", row.integer(11)}};
}

// What is wanted of a node until something else is.
bool lasts(std::string_view method) {
    return method == kApply || method.starts_with("service.");
}

// Of a row of id, method, params. The newest configuration, whichever asked for it.
json::value params_of(const Context& context, const std::string& node, const SqlRow& row) {
    json::value own = value_of(row.text(2));
    if (row.text(1) != kApply) {
        return own;
    }
    json::value whole = effective_configuration(context, node);
    if (channel::bool_field(own, "now").value_or(false)) {
        whole.get_object()["now"] = true;
    }
    return whole;
}

bool ended(std::string_view state) {
    return state == "succeeded" || state == "failed";
}

std::string service_in(const std::string& params) {
    return channel::text_field(value_of(params), "name").value_or("");
}

// Queues a lasting command anew, under an id that the agent does not know, unless something else is
// wanted of the same thing by now.
Result<void> tell_again(const Context& context, const std::string& node, const std::string& id) {
    const auto row = context.sql->find(
        {"method", "params", "number"}, "from commands where id = ? and node = ?", {id, node});
    if (!row || !lasts(row->text(0))) {
        return {};
    }
    for (const SqlRow& later : context.sql->select({"method", "params"},
                                                   "from commands where node = ? and number > ?",
                                                   {node, row->integer(2)})) {
        const bool same_kind = (later.text(0) == kApply) == (row->text(0) == kApply);
        if (lasts(later.text(0)) && same_kind &&
            service_in(later.text(1)) == service_in(row->text(1))) {
            return {};
        }
    }
    const auto again = add_command(
        context, {.node = node, .method = row->text(0), .params = value_of(row->text(1))});
    return again ? Result<void>() : std::unexpected(again.error());
}

// What the end of a command means for what is wanted of the node.
Result<void> follow(const Context& context, const std::string& node, const Progress& progress) {
    const auto row =
        context.sql->find({"method", "params"}, "from commands where id = ?", {progress.command});
    if (!row) {
        return {};
    }
    const std::string method = row->text(0);
    const bool succeeded = progress.state == "succeeded";
    if (!succeeded && channel::bool_field(progress.result, "again").value_or(false)) {
        return tell_again(context, node, progress.command);
    }
    if (method == kActivate) {
        // With an older configuration it may go on.
        const bool hosted =
            succeeded || channel::bool_field(progress.result, "hosted").value_or(false);
        note_activation(context, node, service_in(row->text(1)), hosted);
    } else if (method == kDeactivate && succeeded) {
        forget_service(context, node, service_in(row->text(1)));
    }
    return {};
}

// Channel operations know the node by its proof, not by a caller.
std::string organisation_of(const Context& context, const std::string& node) {
    const auto row = context.sql->find({"organisation"}, "from nodes where id = ?", {node});
    return row ? row->text(0) : std::string();
}

}  // namespace

Result<std::string> add_command(const Context& context, const NewCommand& command) {
    const std::string params = json::serialize(command.params);
    if (params.size() > kCommandParamsBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "the command is longer than 256 KiB");
    }
    const bool apply = command.method == kApply;
    if (apply) {
        context.sql->run(
            "update commands set state = 'superseded', updated_s = ? where node = ? and "
            "method = ? and state = 'queued'",
            {context.now_s(), command.node, std::string(kApply)});
    }
    const auto waiting = context.sql->find(
        {"count(*)"}, "from commands where node = ? and state = 'queued'", {command.node});
    if (waiting && waiting->integer(0) >= kWaitingCommandsMax) {
        return make_error(ErrorCode::kLimitExceeded,
                          "a hundred commands wait for this node already");
    }
    std::string id = context.new_id();
    // What is wanted of a node is wanted however long it is away.
    const std::int64_t expires_s =
        lasts(command.method) ? 0 : context.now_s() + kCommandWaitSeconds;
    context.sql->run(
        "insert into commands(id, number, organisation, node, method, params, author, created_s, "
        "expires_s, state, sequence, percent, message, result, updated_s) "
        "values(?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, 0, '', '', ?)",
        {id,
         next_number(context, "commands"),
         organisation_of(context, command.node),
         command.node,
         command.method,
         params,
         context.caller != nullptr ? context.caller->name : "isthmus-hub",
         context.now_s(),
         expires_s,
         context.now_s()});
    return id;
}

json::value list_commands(const Context& context, const std::string& node) {
    json::array items;
    for (const SqlRow& row : context.sql->select(kColumns,
                                                 "from commands where node = ? and "
                                                 "organisation = ? order by number desc "
                                                 "limit ?",
                                                 {node, context.caller->organisation, kListMax})) {
        items.push_back(describe(row));
    }
    return json::value{{"items", std::move(items)}};
}

Result<json::value> show_command(const Context& context, const std::string& id) {
    const auto row = context.sql->find(kColumns,
                                       "from commands where id = ? and organisation = ?",
                                       {id, context.caller->organisation});
    if (!row) {
        return make_error(ErrorCode::kNotFound, "there is no such command");
    }
    return describe(*row);
}

bool holds_fence(const Context& context, const Fence& fence) {
    // PostgreSQL: claim_node() of another instance waits for our commit. SQLite has one writer.
    const std::string_view lock = context.sql->is_postgresql() ? " for share" : "";
    return context.sql
        ->find({"id"},
               fmt::format("from nodes where id = ? and fence = ? and state = 'enrolled'{}", lock),
               {fence.node, fence.number})
        .has_value();
}

std::vector<channel::Command> take_commands(const Context& context, const Fence& fence) {
    if (!holds_fence(context, fence)) {
        return {};
    }
    const auto rows =
        context.sql->select({"id", "method", "params", "expires_s"},
                            "from commands where node = ? and state = 'queued' order by number",
                            {fence.node});
    std::vector<channel::Command> commands;
    for (const SqlRow& row : rows) {
        if (row.integer(3) != 0 && row.integer(3) < context.now_s()) {
            continue;  // expire_commands() says so
        }
        const auto place =
            context.sql->find({"command_sequence"},
                              "from nodes where id = ? and fence = ? and state = 'enrolled'",
                              {fence.node, fence.number});
        if (!place) {
            break;
        }
        const std::int64_t sequence = place->integer(0) + 1;
        context.sql->run("update nodes set command_sequence = ? where id = ? and fence = ?",
                         {sequence, fence.node, fence.number});
        context.sql->run(
            "update commands set state = 'sent', sequence = ?, updated_s = ? where id = ?",
            {sequence, context.now_s(), row.text(0)});
        commands.push_back({.node = fence.node,
                            .sequence = static_cast<std::uint64_t>(sequence),
                            .expires_unix_s = context.now_s() + kCommandSeconds,
                            .id = row.text(0),
                            .method = row.text(1),
                            .params = params_of(context, fence.node, row)});
    }
    return commands;
}

void resend_commands(const Context& context, const std::string& node) {
    context.sql->run("update commands set state = 'queued' where node = ? and state = 'sent'",
                     {node});
}

Result<void> note_progress(const Context& context, const Fence& fence, const Progress& progress) {
    constexpr std::array<std::string_view, 4> kStates = {
        "accepted", "running", "succeeded", "failed"};
    const std::string result =
        progress.result.is_null() ? std::string() : json::serialize(progress.result);
    if (std::ranges::find(kStates, progress.state) == kStates.end() ||
        result.size() > kResultBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "no state of a command, or a long result");
    }
    if (!holds_fence(context, fence)) {
        // Not a refusal: the node is to say it again, on the channel that it has now.
        return make_error(ErrorCode::kUnavailable, "another channel of this node took over");
    }
    const auto row = context.sql->find(
        {"state"}, "from commands where id = ? and node = ?", {progress.command, fence.node});
    if (!row) {
        return make_error(ErrorCode::kNotFound, "there is no such command for this node");
    }
    if (ended(row->text(0))) {
        return {};  // told twice, after a reconnect
    }
    context.sql->run(
        "update commands set state = ?, percent = ?, message = ?, result = ?, updated_s = ? "
        "where id = ?",
        {progress.state,
         std::clamp<std::int64_t>(progress.percent, 0, 100),
         progress.message.substr(0, kMessageBytesMax),
         result,
         context.now_s(),
         progress.command});
    if (ended(progress.state)) {
        return follow(context, fence.node, progress);
    }
    return {};
}

void expire_commands(const Context& context) {
    context.sql->run(
        "update commands set state = 'expired', updated_s = ? where state = 'queued' and "
        "expires_s <> 0 and expires_s < ?",
        {context.now_s(), context.now_s()});
}

}  // namespace isthmus::hub
