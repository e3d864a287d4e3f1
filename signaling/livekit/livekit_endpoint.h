// The HTTP side of the LiveKit protocol: who may open a signaling socket, and why not.
//
//     GET /rtc/v1             WebSocket; one connection
//     GET /rtc                WebSocket; two connections, of older clients
//     GET /rtc/v1/validate    200, or the status that the upgrade was refused with
//     GET /rtc/validate
//     GET /                   200: clients look whether the server is there
//
// Browsers ask from other origins: each answer lets them see it.
#pragma once

#include <cstdint>
#include <functional>

#include "base/http/message.h"
#include "signaling/access/token.h"
#include "signaling/livekit/rooms.h"

namespace isthmus::signaling::livekit {

class LiveKitEndpoint {
  public:
    // `rooms` outlives the router's use of it.
    LiveKitEndpoint(access::ApiKeys keys, Rooms& rooms, std::function<std::int64_t()> now_unix_s);

    void add_routes(http::Router& router);

  private:
    [[nodiscard]] std::expected<Admission, http::Response> admit(const http::Request& request,
                                                                 bool dual);
    void add_protocol(http::Router& router, const std::string& path, bool dual);

    access::ApiKeys keys_;
    Rooms* rooms_;
    std::function<std::int64_t()> now_unix_s_;
};

}  // namespace isthmus::signaling::livekit
