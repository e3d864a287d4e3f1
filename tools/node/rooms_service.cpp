#include "tools/node/rooms_service.h"

#include <chrono>
#include <cstdint>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <google/protobuf/util/json_util.h>

#include "base/log.h"
#include "signaling/access/webhook_sender.h"
#include "signaling/livekit/livekit_endpoint.h"
#include "signaling/livekit/protobuf_log.h"
#include "signaling/livekit/room_service.h"
#include "signaling/livekit/rooms.h"
#include "signaling/livekit/rooms_administration.h"
#include "signaling/whip/ice_servers.h"
#include "tools/node/ice_servers.h"

namespace isthmus::node {
namespace {

namespace asio = boost::asio;
namespace livekit = signaling::livekit;

// How exactly timeouts are kept, and how soon changes are told that may wait.
constexpr auto kTick = std::chrono::milliseconds(100);

std::int64_t unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Instant steady_now() {
    return Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

// Nothing where nobody is to be told.
std::unique_ptr<signaling::access::WebhookSender> make_webhooks(asio::io_context& io,
                                                                const NodeConfig& config) {
    if (config.webhooks.urls.empty()) {
        return nullptr;
    }
    auto made =
        signaling::access::WebhookSender::make(io,
                                               {.urls = config.webhooks.urls,
                                                .key = config.webhooks.key,
                                                .secret = config.keys.at(config.webhooks.key)},
                                               [] { return unix_ms() / 1000; });
    if (!made) {
        log::error("node", "no webhooks: {}", made.error().message);
        return nullptr;
    }
    return std::move(*made);
}

livekit::RoomsConfig rooms_config_of(const NodeConfig& config,
                                     signaling::access::WebhookSender* webhooks) {
    livekit::RoomsConfig rooms;
    if (webhooks != nullptr) {
        rooms.tell = [webhooks](const ::livekit::WebhookEvent& event) {
            std::string json;
            if (google::protobuf::util::MessageToJsonString(event, &json).ok()) {
                webhooks->send(json);
            }
        };
    }
    rooms.keys = config.keys;
    rooms.rooms_max = config.media.limits.conferences;
    rooms.room.participants_max = config.media.limits.participants_per_conference;
    rooms.ice_servers = [servers = ice_servers_of(config)](const std::string& identity) {
        std::vector<::livekit::ICEServer> told;
        for (const auto& access :
             signaling::whip::grant_ice_servers(servers, identity, unix_ms() / 1000)) {
            ::livekit::ICEServer& server = told.emplace_back();
            server.add_urls(access.url);
            server.set_username(access.username);
            server.set_credential(access.credential);
        }
        return told;
    };
    return rooms;
}

}  // namespace

struct RoomsService::State {
    State(asio::io_context& io,
          const NodeConfig& config,
          media::Switchboard& switchboard,
          RandomSource& random)
        : webhooks(make_webhooks(io, config)),
          rooms(rooms_config_of(config, webhooks.get()), switchboard, random, unix_ms),
          endpoint(config.keys, rooms, [] { return unix_ms() / 1000; }),
          administration(rooms),
          keys(config.keys),
          timer(io) {
        livekit::silence_protobuf_log();
        rooms.on_tick(steady_now());
        wait();
    }

    void wait() {
        timer.expires_after(kTick);
        timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                rooms.on_tick(steady_now());
                wait();
            }
        });
    }

    std::unique_ptr<signaling::access::WebhookSender> webhooks;
    livekit::Rooms rooms;
    livekit::LiveKitEndpoint endpoint;
    livekit::RoomsAdministration administration;
    signaling::access::ApiKeys keys;
    std::unique_ptr<livekit::RoomService> service;
    asio::steady_timer timer;
};

RoomsService::RoomsService(asio::io_context& io,
                           const NodeConfig& config,
                           media::Switchboard& switchboard,
                           RandomSource& random)
    : state_(std::make_unique<State>(io, config, switchboard, random)) {
    switchboard.on_event(
        [this](const media::ConferenceEvent& event) { state_->rooms.on_event(event); });
}

RoomsService::~RoomsService() = default;

void RoomsService::add_routes(http::Router& router) {
    state_->endpoint.add_routes(router);
    state_->service = std::make_unique<livekit::RoomService>(
        livekit::RoomServiceConfig{.keys = state_->keys,
                                   .now_unix_s = [] { return unix_ms() / 1000; }},
        state_->administration,
        router);
}

livekit::Rooms& RoomsService::rooms() {
    return state_->rooms;
}

}  // namespace isthmus::node
