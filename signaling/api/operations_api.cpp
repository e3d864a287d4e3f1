#include "signaling/api/operations_api.h"

#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "signaling/api/authorisation.h"
#include "signaling/api/conference_json.h"

namespace isthmus::signaling::api {
namespace {

using http::Request;
using http::Responder;
using http::Response;

const std::string& parameter(const Request& request, std::string_view name) {
    static const std::string kNone;
    const auto found = request.parameters.find(name);
    return found == request.parameters.end() ? kNone : found->second;
}

Response fresh(Response response) {
    response.headers.emplace("Cache-Control", "no-store");
    return response;
}

// Answers of the switchboard that carry nothing.
media::Switchboard::Answer<void> answer_empty(Responder respond) {
    return [respond = std::move(respond)](const Result<void>& result) mutable {
        respond(result ? Response{.status = 204, .headers = {}, .body = {}}
                       : Response::problem(result.error()));
    };
}

}  // namespace

OperationsApi::OperationsApi(OperationsApiConfig config,
                             OperationsApiSources sources,
                             media::Switchboard& switchboard)
    : config_(std::move(config)), sources_(std::move(sources)), switchboard_(&switchboard) {}

void OperationsApi::add_routes(http::Router& router) {
    router.add("GET", "/healthz", [](const Request& /*request*/, Responder respond) {
        respond(fresh(Response::text(200, "ok\n")));
    });
    const auto add = [&](std::string_view method,
                         std::string_view pattern,
                         void (OperationsApi::*handler)(const Request&, Responder) const) {
        router.add(method, pattern, [this, handler](const Request& request, Responder respond) {
            (this->*handler)(request, std::move(respond));
        });
    };
    add("GET", "/readyz", &OperationsApi::ready);
    add("GET", "/metrics", &OperationsApi::metrics);
    add("GET", "/api/v1/version", &OperationsApi::version);
    add("GET", "/api/v1/conferences", &OperationsApi::list);
    const auto add_read = [&](std::string_view pattern, auto write) {
        router.add("GET", pattern, [this, write](const Request& request, Responder respond) {
            read(request, std::move(respond), write);
        });
    };
    add_read("/api/v1/conferences/{conference}", &conference_json);
    add_read("/api/v1/conferences/{conference}/participants", &participants_json);
    add_read("/api/v1/conferences/{conference}/stats", &stats_json);
    add("GET", "/whep/{conference}/participants", &OperationsApi::list_for_viewers);
    add("DELETE", "/api/v1/conferences/{conference}", &OperationsApi::end_conference);
    add("DELETE",
        "/api/v1/conferences/{conference}/participants/{identity}",
        &OperationsApi::remove_participant);
}

// Asks every worker, so that one that hangs makes the node not ready for whoever waits with a
// limit.
void OperationsApi::ready(const Request& /*request*/, Responder respond) const {
    if (!ready_) {
        respond(fresh(Response::problem(503, "The node takes no new participants.")));
        return;
    }
    if (sources_.in_maintenance && sources_.in_maintenance()) {
        respond(fresh(Response::problem(
            503, "The node is in maintenance: it begins no conference, those that run go on.")));
        return;
    }
    switchboard_->collect_stats([respond = std::move(respond)](const auto& workers) mutable {
        if (!workers || workers->empty()) {
            respond(fresh(Response::problem(503, "No media worker answers.")));
        } else {
            respond(fresh(Response::text(200, "ready\n")));
        }
    });
}

void OperationsApi::metrics(const Request& request, Responder respond) const {
    if (config_.metrics_require_key) {
        const auto allowed =
            authorise(request, config_.keys, sources_.now_unix_s(), Permission::kListConferences);
        if (!allowed) {
            respond(Response::problem(allowed.error()));
            return;
        }
    }
    switchboard_->collect_stats([this, respond = std::move(respond)](const auto& workers) mutable {
        if (!workers) {
            respond(Response::problem(workers.error()));
            return;
        }
        const http::ServerCounters http = sources_.http_counters();
        const ProcessStats process = sources_.process_stats();
        const SignalingStats signaling = sources_.signaling_stats();
        const media::DataStats data =
            sources_.data_stats ? sources_.data_stats() : media::DataStats{};
        Response response{.status = 200,
                          .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                          .body = write_metrics({.version = config_.version,
                                                 .workers = *workers,
                                                 .data = data,
                                                 .signaling = signaling,
                                                 .http = http,
                                                 .process = process})};
        respond(fresh(std::move(response)));
    });
}

void OperationsApi::version(const Request& request, Responder respond) const {
    const auto allowed = authorise(request, config_.keys, sources_.now_unix_s(), Permission::kAny);
    respond(allowed ? fresh(Response::json(
                          200,
                          boost::json::serialize(boost::json::object{
                              {"name", "isthmus-node"}, {"version", config_.version}})))
                    : Response::problem(allowed.error()));
}

void OperationsApi::list(const Request& request, Responder respond) const {
    const auto allowed =
        authorise(request, config_.keys, sources_.now_unix_s(), Permission::kListConferences);
    if (!allowed) {
        respond(Response::problem(allowed.error()));
        return;
    }
    // With details, for the counts of participants and tracks.
    switchboard_->list_conferences(
        true, [respond = std::move(respond)](const auto& conferences) mutable {
            respond(conferences ? fresh(Response::json(200, conferences_json(*conferences)))
                                : Response::problem(conferences.error()));
        });
}

void OperationsApi::read(const Request& request,
                         Responder respond,
                         std::string (*write)(const media::sfu::ConferenceInfo&)) const {
    const std::string& name = parameter(request, "conference");
    const auto allowed =
        authorise(request, config_.keys, sources_.now_unix_s(), Permission::kReadConference, name);
    if (!allowed) {
        respond(Response::problem(allowed.error()));
        return;
    }
    switchboard_->find_conference(
        name, [respond = std::move(respond), write](const auto& conference) mutable {
            respond(conference ? fresh(Response::json(200, write(*conference)))
                               : Response::problem(conference.error()));
        });
}

// For the pages: whoever may watch may know whom to watch. A conference that nobody has joined yet
// is an empty one to a viewer.
void OperationsApi::list_for_viewers(const Request& request, Responder respond) const {
    const std::string& name = parameter(request, "conference");
    const auto allowed =
        authorise(request, config_.keys, sources_.now_unix_s(), Permission::kWatch, name);
    if (!allowed) {
        respond(Response::problem(allowed.error()));
        return;
    }
    switchboard_->find_conference(
        name, [respond = std::move(respond)](const auto& conference) mutable {
            if (!conference && conference.error().code != ErrorCode::kNotFound) {
                respond(Response::problem(conference.error()));
                return;
            }
            respond(fresh(Response::json(
                200, conference ? publishers_json(*conference) : std::string("[]"))));
        });
}

void OperationsApi::remove_participant(const Request& request, Responder respond) const {
    const std::string& name = parameter(request, "conference");
    const auto allowed = authorise(
        request, config_.keys, sources_.now_unix_s(), Permission::kManageParticipants, name);
    if (!allowed) {
        respond(Response::problem(allowed.error()));
        return;
    }
    switchboard_->remove_participant(
        name, parameter(request, "identity"), answer_empty(std::move(respond)));
}

void OperationsApi::end_conference(const Request& request, Responder respond) const {
    const std::string& name = parameter(request, "conference");
    const auto allowed =
        authorise(request, config_.keys, sources_.now_unix_s(), Permission::kEndConference, name);
    if (!allowed) {
        respond(Response::problem(allowed.error()));
        return;
    }
    switchboard_->end_conference(name, answer_empty(std::move(respond)));
}

}  // namespace isthmus::signaling::api
