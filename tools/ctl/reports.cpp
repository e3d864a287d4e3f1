#include "tools/ctl/reports.h"

#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <spdlog/fmt/fmt.h>

#include "tools/ctl/table.h"

namespace isthmus::ctl {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) {
        return "-";
    }
    if (value->is_string()) {
        return value->as_string().empty() ? "-" : std::string(value->as_string());
    }
    if (value->is_bool()) {
        return value->as_bool() ? "yes" : "no";
    }
    if (value->is_int64()) {
        return std::to_string(value->as_int64());
    }
    if (value->is_uint64()) {
        return std::to_string(value->as_uint64());
    }
    return value->is_double() ? fmt::format("{:.3f}", value->as_double()) : "?";
}

double number_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    boost::system::error_code error;
    const double number = value == nullptr ? 0 : value->to_number<double>(error);
    return error ? 0 : number;
}

std::string kilobits(const json::object& object) {
    return fmt::format("{:.0f}", number_of(object, "bitrate_bps") / 1000);
}

std::string milliseconds(const json::object& object, std::string_view key) {
    return fmt::format("{:.1f}", number_of(object, key) * 1000);
}

// Calls `use` for each object in the array under `key`.
template <typename Use>
bool each(const json::object& object, std::string_view key, Use use) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_array()) {
        return false;
    }
    for (const json::value& entry : value->as_array()) {
        if (!entry.is_object()) {
            return false;
        }
        use(entry.as_object());
    }
    return true;
}

Result<json::object> parse_object(const std::string& body) {
    boost::system::error_code error;
    json::value value = json::parse(body, error);
    if (error || !value.is_object()) {
        return make_error(
            ErrorCode::kInternal,
            "the node's answer is not the JSON that this version of isthmusctl knows");
    }
    return std::move(value.as_object());
}

template <typename Row>
Result<std::string> report(const std::string& body, std::string_view list, Table table, Row row) {
    const auto root = parse_object(body);
    if (!root) {
        return std::unexpected(root.error());
    }
    if (!each(*root, list, [&](const json::object& entry) { table.add(row(entry)); })) {
        return make_error(ErrorCode::kInternal,
                          fmt::format("the node's answer has no list of {}", list));
    }
    return table.text();
}

std::string tracks_of(const json::object& participant) {
    std::string text;
    each(participant, "tracks", [&](const json::object& track) {
        text += fmt::format(
            "{}{}/{}", text.empty() ? "" : " ", text_of(track, "kind"), text_of(track, "codec"));
    });
    return text.empty() ? "-" : text;
}

void add_streams(Table& table, const json::object& participant) {
    each(participant, "tracks", [&](const json::object& track) {
        each(track, "streams", [&](const json::object& stream) {
            table.add({text_of(participant, "identity"),
                       text_of(track, "kind"),
                       text_of(track, "codec"),
                       text_of(stream, "ssrc"),
                       text_of(stream, "rid"),
                       text_of(stream, "packets"),
                       text_of(stream, "packets_lost"),
                       text_of(stream, "packets_repaired"),
                       milliseconds(stream, "jitter_seconds"),
                       kilobits(stream),
                       text_of(track, "subscribers")});
        });
    });
}

void add_subscriptions(Table& table, const json::object& participant) {
    each(participant, "subscriptions", [&](const json::object& subscription) {
        table.add({text_of(participant, "identity"),
                   text_of(subscription, "track_id"),
                   text_of(subscription, "packets"),
                   text_of(subscription, "retransmissions"),
                   text_of(subscription, "nacks_unanswered"),
                   fmt::format("{:.1f}", number_of(subscription, "loss_ratio") * 100),
                   milliseconds(subscription, "jitter_seconds"),
                   milliseconds(subscription, "rtt_seconds"),
                   text_of(subscription, "waiting_for_key_frame")});
    });
}

void add_downlink(Table& table, const json::object& participant) {
    const json::value* const found = participant.if_contains("downlink");
    if (found == nullptr || !found->is_object()) {
        return;
    }
    const json::object& downlink = found->as_object();
    table.add({text_of(participant, "identity"),
               text_of(downlink, "measured"),
               fmt::format("{:.0f}", number_of(downlink, "target_bps") / 1000),
               milliseconds(downlink, "rtt_seconds"),
               fmt::format("{:.1f}", number_of(downlink, "loss_ratio") * 100),
               text_of(downlink, "paced"),
               text_of(downlink, "dropped_full"),
               text_of(downlink, "dropped_expired"),
               text_of(downlink, "padding_packets")});
}

}  // namespace

Result<std::string> conferences_report(const std::string& body) {
    return report(body,
                  "conferences",
                  Table({"CONFERENCE", "PARTICIPANTS", "TRACKS", "WORKER", "CREATED"}),
                  [](const json::object& conference) -> std::vector<std::string> {
                      return {text_of(conference, "name"),
                              text_of(conference, "participants"),
                              text_of(conference, "tracks"),
                              text_of(conference, "worker"),
                              text_of(conference, "created_at")};
                  });
}

Result<std::string> participants_report(const std::string& body) {
    return report(body,
                  "participants",
                  Table({"IDENTITY", "NAME", "CONNECTED", "ADDRESS", "OVER", "TRACKS", "JOINED"}),
                  [](const json::object& participant) -> std::vector<std::string> {
                      return {text_of(participant, "identity"),
                              text_of(participant, "name"),
                              text_of(participant, "connected"),
                              text_of(participant, "remote_address"),
                              text_of(participant, "protocol"),
                              tracks_of(participant),
                              text_of(participant, "joined_at")};
                  });
}

Result<std::string> stats_report(const std::string& body) {
    const auto root = parse_object(body);
    if (!root) {
        return std::unexpected(root.error());
    }
    Table streams({"PUBLISHER",
                   "KIND",
                   "CODEC",
                   "SSRC",
                   "RID",
                   "PACKETS",
                   "LOST",
                   "REPAIRED",
                   "JITTER ms",
                   "kbit/s",
                   "SUBSCRIBERS"});
    Table subscriptions({"SUBSCRIBER",
                         "TRACK",
                         "PACKETS",
                         "AGAIN",
                         "GONE",
                         "LOSS %",
                         "JITTER ms",
                         "RTT ms",
                         "WAITS FOR KEY FRAME"});
    Table downlinks({"RECEIVER",
                     "MEASURED",
                     "TARGET kbit/s",
                     "RTT ms",
                     "LOSS %",
                     "PACED",
                     "DROPPED FULL",
                     "DROPPED LATE",
                     "PADDING"});
    if (!each(*root, "participants", [&](const json::object& participant) {
            add_downlink(downlinks, participant);
            add_streams(streams, participant);
            add_subscriptions(subscriptions, participant);
        })) {
        return make_error(ErrorCode::kInternal, "the node's answer has no list of participants");
    }
    return streams.text() + "\n" + subscriptions.text() + "\n" + downlinks.text();
}

std::string problem_text(unsigned status, const std::string& body) {
    if (const auto root = parse_object(body); root && root->if_contains("detail") != nullptr) {
        return fmt::format("{} (HTTP {})", text_of(*root, "detail"), status);
    }
    return fmt::format("the node answered HTTP {}", status);
}

}  // namespace isthmus::ctl
