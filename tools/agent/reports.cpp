#include "tools/agent/reports.h"

#include <string_view>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/json_fields.h"
#include "tools/agent/agent_parts.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

// Three times what a status is written anew after.
constexpr std::int64_t kStaleSeconds = 35;

std::string text_of(const json::value& value, std::string_view name) {
    return channel::text_field(value, name).value_or("");
}

const char* word(Finding::Verdict verdict) {
    switch (verdict) {
        case Finding::Verdict::kGood:
            return "ok";
        case Finding::Verdict::kNote:
            return "note";
        case Finding::Verdict::kBad:
            return "FAIL";
    }
    return "";
}

bool lives(const json::object& status) {
    const auto updated = channel::integer_field(status, "updated_s");
    return updated && unix_ms() / 1000 - *updated <= kStaleSeconds;
}

}  // namespace

std::string finding_report(const Finding& finding) {
    std::string text =
        fmt::format("{:<5} {}: {}\n", word(finding.verdict), finding.what, finding.detail);
    if (!finding.advice.empty()) {
        text += fmt::format("      {}\n", finding.advice);
    }
    return text;
}

bool is_connected(const json::object& status) {
    return lives(status) && channel::bool_field(status, "connected").value_or(false);
}

std::string status_report(const json::object& status) {
    std::string text = fmt::format("node      {} of cluster {}\nhub       {}\n",
                                   text_of(status, "node"),
                                   text_of(status, "cluster"),
                                   text_of(status, "hub"));
    text +=
        fmt::format("state     {}\n", lives(status) ? text_of(status, "state") : "no agent runs");
    text += is_connected(status) ? "channel   connected\n"
                                 : fmt::format("channel   {}\n", text_of(status, "fault"));
    if (const json::value* const configuration = channel::find_field(status, "configuration")) {
        text += fmt::format("config    version {}, {}\n",
                            channel::integer_field(*configuration, "version").value_or(0),
                            text_of(*configuration, "state"));
    }
    if (const json::value* const outbox = channel::find_field(status, "outbox")) {
        text += fmt::format("outbox    {} events wait\n",
                            channel::integer_field(*outbox, "entries").value_or(0));
    }
    const json::value* const alarms = channel::find_field(status, "alarms");
    if (alarms != nullptr && alarms->is_array()) {
        for (const json::value& alarm : alarms->get_array()) {
            text += fmt::format("{:<9} {}: {}\n          {}\n",
                                text_of(alarm, "severity"),
                                text_of(alarm, "title"),
                                text_of(alarm, "description"),
                                text_of(alarm, "solution"));
        }
    }
    return text;
}

}  // namespace isthmus::agent
