// Remote calls by POST /twirp/{service}/{method}, in protobuf or in its JSON, as Twirp clients make
// them.
//
// Signaling thread. Turns bodies into messages and results into answers; who may call what is the
// handlers' business. Specification: Twirp protocol, version 7.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <google/protobuf/message.h>

#include "base/error.h"
#include "base/http/message.h"

namespace isthmus::signaling::twirp {

template <typename T>
concept Message = std::derived_from<T, google::protobuf::Message>;

// Called once, at once or later.
template <Message T>
using Answer = std::move_only_function<void(Result<T>)>;

class Service {
  public:
    // `name`: "livekit.RoomService". The router outlives its use.
    Service(std::string name, http::Router& router) : name_(std::move(name)), router_(&router) {}

    // `handler` gets the HTTP request, for its token, and the message in its body.
    template <Message Request, Message Response>
    void add(std::string_view method,
             std::function<void(const http::Request&, const Request&, Answer<Response>)> handler) {
        add_route(
            method,
            [handler = std::move(handler)](
                const http::Request& http, Encoding encoding, http::Responder respond) {
                Request request;
                if (auto read = decode(http.body, encoding, request); !read) {
                    respond(refusal(read.error()));
                    return;
                }
                handler(http,
                        request,
                        [encoding, respond = std::move(respond)](Result<Response> result) mutable {
                            respond(result ? answer(*result, encoding) : refusal(result.error()));
                        });
            });
    }

  private:
    enum class Encoding : std::uint8_t { kProtobuf, kJson };
    using Caller = std::function<void(const http::Request&, Encoding, http::Responder)>;

    void add_route(std::string_view method, Caller caller);
    [[nodiscard]] static Result<void> decode(const std::string& body,
                                             Encoding encoding,
                                             google::protobuf::Message& into);
    [[nodiscard]] static http::Response answer(const google::protobuf::Message& message,
                                               Encoding encoding);

    // {"code": "not_found", "msg": "..."} with the status that Twirp has for it.
    [[nodiscard]] static http::Response refusal(const Error& error);

    std::string name_;
    http::Router* router_;
};

}  // namespace isthmus::signaling::twirp
