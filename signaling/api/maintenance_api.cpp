#include "signaling/api/maintenance_api.h"

#include <chrono>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "signaling/api/authorisation.h"
#include "signaling/api/conference_json.h"
#include "signaling/maintenance/maintenance.h"

namespace isthmus::signaling::api {
namespace {

namespace json = boost::json;

using http::Request;
using http::Responder;
using http::Response;

constexpr std::int64_t kDeadlineSecondsMax =
    std::chrono::duration_cast<std::chrono::seconds>(maintenance::kLongestDeadline).count();

std::unexpected<Error> refuse(std::string sentence) {
    return make_error(ErrorCode::kInvalidArgument, std::move(sentence));
}

Result<bool> mode_of(const json::value& value) {
    if (value.is_string()) {
        const json::string& mode = value.get_string();
        if (mode == "off") {
            return false;
        }
        // Whether it is pending first follows from what runs.
        if (mode == "on" || mode == "pending") {
            return true;
        }
    }
    return refuse(R"(mode must be "on" or "off".)");
}

Result<Duration> deadline_of(const json::value& value) {
    const std::int64_t* const seconds = value.if_int64();
    if (seconds == nullptr || *seconds < 0 || *seconds > kDeadlineSecondsMax) {
        return refuse("deadline_s must be whole seconds, 0 to " +
                      std::to_string(kDeadlineSecondsMax) + ".");
    }
    return std::chrono::seconds(*seconds);
}

Response write_report(const MaintenanceReport& report) {
    json::object body{{"mode", report.mode},
                      {"conferences", report.conferences},
                      {"participants", report.participants},
                      {"ends_at", nullptr}};
    if (report.ends_at_unix_s) {
        body["ends_at"] = timestamp(*report.ends_at_unix_s * 1000);
    }
    Response response = Response::json(200, json::serialize(body));
    response.headers.emplace("Cache-Control", "no-store");
    return response;
}

Response change(const Request& request, const MaintenanceApiSources& sources) {
    const auto wanted = parse_maintenance_change(request.body);
    if (!wanted) {
        return Response::problem(wanted.error());
    }
    sources.change(*wanted);
    return write_report(sources.report());
}

}  // namespace

// A name that nobody knows is refused: a misspelt deadline would end meetings at another time.
Result<MaintenanceChange> parse_maintenance_change(const std::string& body) {
    boost::system::error_code failure;
    const json::value parsed = json::parse(body, failure);
    const json::object* const object = failure ? nullptr : parsed.if_object();
    if (object == nullptr || !object->contains("mode")) {
        return refuse(R"(The body must be JSON: {"mode": "on", "deadline_s": 7200}.)");
    }
    MaintenanceChange change;
    for (const auto& member : *object) {
        if (member.key() == "mode") {
            const Result<bool> on = mode_of(member.value());
            if (!on) {
                return std::unexpected(on.error());
            }
            change.on = *on;
        } else if (member.key() == "deadline_s") {
            const Result<Duration> deadline = deadline_of(member.value());
            if (!deadline) {
                return std::unexpected(deadline.error());
            }
            change.deadline = *deadline;
        } else {
            return refuse("Only mode and deadline_s can be set.");
        }
    }
    return change;
}

void add_maintenance_routes(http::Router& router, MaintenanceApiSources sources) {
    const auto add = [&](std::string_view method, auto answer) {
        router.add(
            method,
            "/api/v1/maintenance",
            [sources, answer](const Request& request, Responder respond) {
                const auto allowed = authorise(
                    request, sources.keys, sources.now_unix_s(), Permission::kOperateNode);
                respond(allowed ? answer(request, sources) : Response::problem(allowed.error()));
            });
    };
    add("GET", [](const Request& /*request*/, const MaintenanceApiSources& from) {
        return write_report(from.report());
    });
    add("PUT", change);
}

}  // namespace isthmus::signaling::api
