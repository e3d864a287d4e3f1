#include "tools/hub/api/enrollment_endpoints.h"

#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/http/base64url.h"
#include "tools/hub/fleet/enrollments.h"
#include "tools/hub/fleet/nonces.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

// problem+json with the step, so that the agent can say where it stopped.
http::Response problem(const EnrollmentFailure& failure) {
    http::Response response = http::Response::problem(failure.error);
    boost::system::error_code error;
    json::value body = json::parse(response.body, error);
    if (!error && body.is_object()) {
        body.get_object()["step"] = failure.step;
        response.body = json::serialize(body);
    }
    return response;
}

http::Response malformed(const Error& error) {
    return problem({.step = "request", .error = error});
}

void respond_with(http::Responder& respond, Result<EnrollmentOutcome> outcome) {
    if (!outcome) {
        respond(problem({.step = "database", .error = outcome.error()}));
    } else if (!*outcome) {
        respond(problem(outcome->error()));
    } else {
        respond(http::Response::json(200, std::move(**outcome)));
    }
}

}  // namespace

void EnrollmentEndpoints::add_routes(http::Router& router) {
    router.add("GET",
               "/v1/enrollment/hello",
               [this](const http::Request& request, http::Responder respond) {
                   hello(request, std::move(respond));
               });
    router.add("POST", "/v1/enroll", [this](const http::Request& request, http::Responder respond) {
        enroll_node(request, std::move(respond));
    });
    router.add("POST", "/v1/renew", [this](const http::Request& request, http::Responder respond) {
        renew_node(request, std::move(respond));
    });
    router.add("GET", "/v1/ca", [this](const http::Request&, http::Responder respond) {
        http::Response response{
            .status = 200, .headers = {}, .body = keyring_()->authorities_pem()};
        response.headers.emplace("Content-Type", "application/x-pem-file");
        respond(std::move(response));
    });
}

void EnrollmentEndpoints::hello(const http::Request& request, http::Responder respond) {
    const auto given = request.query.find("nonce");
    const auto nonce =
        given == request.query.end() ? std::nullopt : http::decode_base64url(given->second);
    if (!nonce || nonce->size() < 16 || nonce->size() > 64) {
        respond(malformed({.code = ErrorCode::kInvalidArgument,
                           .message = "nonce is 16 to 64 random bytes as base64url"}));
        return;
    }
    const auto keyring = keyring_();
    const std::int64_t now_s = work_->now_ms() / 1000;
    http::Response response = http::Response::json(
        200,
        channel::write_hello(keyring->identity.key,
                             keyring->identity.links,
                             *nonce,
                             issue_nonce(keyring->nonce_key, work_->random(), now_s),
                             now_s));
    response.headers.emplace("Cache-Control", "no-store");
    respond(std::move(response));
}

template <typename Body>
void EnrollmentEndpoints::run(const http::Request& request,
                              http::Responder respond,
                              Result<Body> body,
                              EnrollmentOutcome (*step)(const Context&,
                                                        const Keyring&,
                                                        const Body&)) {
    if (!body) {
        respond(malformed(body.error()));
        return;
    }
    Caller remote;
    remote.remote = request.remote_address;
    work_->run<EnrollmentOutcome>(
        remote,
        [keyring = keyring_(), body = std::move(*body), step](const Context& context)
            -> Result<EnrollmentOutcome> { return step(context, *keyring, body); },
        [respond = std::move(respond)](Result<EnrollmentOutcome> outcome) mutable {
            respond_with(respond, std::move(outcome));
        });
}

void EnrollmentEndpoints::enroll_node(const http::Request& request, http::Responder respond) {
    run(request, std::move(respond), channel::read_enroll(request.body), enroll);
}

void EnrollmentEndpoints::renew_node(const http::Request& request, http::Responder respond) {
    run(request, std::move(respond), channel::read_renew(request.body), renew);
}

}  // namespace isthmus::hub
