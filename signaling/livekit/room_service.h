// livekit.RoomService: the calls that servers make, by Twirp, and who may make which.
//
// A token needs roomCreate, roomList, or roomAdmin for the room that the call is about.
#pragma once

#include <cstdint>
#include <functional>

#include "base/error.h"
#include "base/http/message.h"
#include "signaling/access/token.h"
#include "signaling/livekit/room_administration.h"
#include "signaling/twirp/service.h"

namespace isthmus::signaling::livekit {

struct RoomServiceConfig {
    access::ApiKeys keys;
    std::function<std::int64_t()> now_unix_s;
};

class RoomService {
  public:
    // `rooms` and `router` outlive it, and it outlives the router's use.
    RoomService(RoomServiceConfig config, RoomAdministration& rooms, http::Router& router);
    RoomService(const RoomService&) = delete;
    RoomService& operator=(const RoomService&) = delete;

  private:
    using Grant = std::function<bool(const access::VideoGrant&)>;

    [[nodiscard]] Result<void> authorize(const http::Request& request, const Grant& grant) const;
    [[nodiscard]] Result<void> authorize_admin(const http::Request& request,
                                               const std::string& room) const;
    void add_room_calls();
    void add_participant_calls();
    // A call that answers at once: `grant` says who may, `run` does it.
    template <typename Request, typename Response, typename MayCall, typename Run>
    void add(std::string_view method, MayCall may_call, Run run);

    RoomServiceConfig config_;
    RoomAdministration& rooms_;
    twirp::Service service_;
};

}  // namespace isthmus::signaling::livekit
