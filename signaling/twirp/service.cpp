#include "signaling/twirp/service.h"

#include <optional>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <google/protobuf/util/json_util.h>

namespace isthmus::signaling::twirp {
namespace {

namespace json_util = google::protobuf::util;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProtobuf = "application/protobuf";

struct Fault {
    unsigned status;
    std::string_view code;
};

Fault fault_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument:
            return {400, "invalid_argument"};
        case ErrorCode::kNotFound:
            return {404, "not_found"};
        case ErrorCode::kConflict:
            return {412, "failed_precondition"};
        case ErrorCode::kPermissionDenied:
            return {403, "permission_denied"};
        case ErrorCode::kUnauthenticated:
            return {401, "unauthenticated"};
        case ErrorCode::kLimitExceeded:
            return {429, "resource_exhausted"};
        case ErrorCode::kUnavailable:
            return {503, "unavailable"};
        case ErrorCode::kInternal:
            break;
    }
    return {500, "internal"};
}

http::Response refuse(const Fault& fault, std::string_view message) {
    return http::Response::json(
        fault.status,
        boost::json::serialize(boost::json::object{{"code", fault.code}, {"msg", message}}));
}

// The type alone, without parameters: "application/json;charset=UTF-8".
std::string_view media_type(std::string_view header) {
    const std::string_view type = header.substr(0, header.find(';'));
    return type.substr(0, type.find_last_not_of(' ') + 1);
}

}  // namespace

void Service::add_route(std::string_view method, Caller caller) {
    const std::string path = "/twirp/" + name_ + "/" + std::string(method);
    router_->add(
        "POST",
        path,
        [caller = std::move(caller)](const http::Request& request, http::Responder respond) {
            const std::string_view type = media_type(request.header("Content-Type"));
            if (type == kJson) {
                caller(request, Encoding::kJson, std::move(respond));
            } else if (type == kProtobuf) {
                caller(request, Encoding::kProtobuf, std::move(respond));
            } else {
                respond(refuse({404, "bad_route"},
                               "Content-Type must be application/json or "
                               "application/protobuf"));
            }
        });
}

Result<void> Service::decode(const std::string& body,
                             Encoding encoding,
                             google::protobuf::Message& into) {
    if (encoding == Encoding::kProtobuf) {
        if (!into.ParseFromString(body)) {
            return make_error(ErrorCode::kInvalidArgument, "the body is no message of this type");
        }
        return {};
    }
    json_util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    const auto status = json_util::JsonStringToMessage(body, &into, options);
    if (!status.ok()) {
        return make_error(ErrorCode::kInvalidArgument,
                          "the body is no message of this type: " +
                              std::string(status.message().data(), status.message().size()));
    }
    return {};
}

http::Response Service::answer(const google::protobuf::Message& message, Encoding encoding) {
    http::Response response;
    if (encoding == Encoding::kProtobuf) {
        response.headers.emplace("Content-Type", kProtobuf);
        response.body = message.SerializeAsString();
        return response;
    }
    // Names as in the .proto and defaults written out, as Twirp servers answer.
    json_util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    options.always_print_primitive_fields = true;
    response.headers.emplace("Content-Type", kJson);
    if (!json_util::MessageToJsonString(message, &response.body, options).ok()) {
        return refuse({500, "internal"}, "the answer could not be written");
    }
    return response;
}

http::Response Service::refusal(const Error& error) {
    return refuse(fault_of(error.code), error.message);
}

}  // namespace isthmus::signaling::twirp
