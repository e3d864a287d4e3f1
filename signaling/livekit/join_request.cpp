#include "signaling/livekit/join_request.h"

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include "signaling/livekit/signal_codec.h"

namespace isthmus::signaling::livekit {
namespace {

using proto::ClientInfo;

[[nodiscard]] std::string_view parameter(const http::Request& request, std::string_view name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string_view() : std::string_view(found->second);
}

[[nodiscard]] bool is_true(std::string_view value) {
    return value == "1" || value == "true";
}

[[nodiscard]] std::int32_t number_of(std::string_view value) {
    std::int32_t number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    return number;
}

[[nodiscard]] ClientInfo::SDK sdk_of(std::string_view name) {
    constexpr std::pair<std::string_view, ClientInfo::SDK> kNames[] = {
        {"js", ClientInfo::JS},
        {"ios", ClientInfo::SWIFT},
        {"swift", ClientInfo::SWIFT},
        {"android", ClientInfo::ANDROID},
        {"flutter", ClientInfo::FLUTTER},
        {"go", ClientInfo::GO},
        {"unity", ClientInfo::UNITY},
        {"reactnative", ClientInfo::REACT_NATIVE},
        {"rust", ClientInfo::RUST},
        {"python", ClientInfo::PYTHON},
        {"cpp", ClientInfo::CPP},
        {"unityweb", ClientInfo::UNITY_WEB},
        {"node", ClientInfo::NODE},
        {"esp32", ClientInfo::ESP32}};
    for (const auto& [known, sdk] : kNames) {
        if (known == name) {
            return sdk;
        }
    }
    return ClientInfo::UNKNOWN;
}

void read_client(const http::Request& request, ClientInfo& client) {
    client.set_sdk(sdk_of(parameter(request, "sdk")));
    client.set_version(std::string(parameter(request, "version")));
    client.set_protocol(number_of(parameter(request, "protocol")));
    client.set_client_protocol(number_of(parameter(request, "client_protocol")));
    client.set_os(std::string(parameter(request, "os")));
    client.set_os_version(std::string(parameter(request, "os_version")));
    client.set_device_model(std::string(parameter(request, "device_model")));
    client.set_browser(std::string(parameter(request, "browser")));
    client.set_browser_version(std::string(parameter(request, "browser_version")));
}

}  // namespace

std::expected<proto::JoinRequest, std::string> read_join_request(const http::Request& request) {
    const std::string_view text = parameter(request, "join_request");
    if (text.empty()) {
        return std::unexpected("the query parameter join_request is missing");
    }
    proto::JoinRequest join;
    if (Result<void> read = decode_join_request(text, join); !read) {
        return std::unexpected(std::move(read.error().message));
    }
    return join;
}

proto::JoinRequest read_query(const http::Request& request) {
    proto::JoinRequest join;
    read_client(request, *join.mutable_client_info());
    proto::ConnectionSettings& settings = *join.mutable_connection_settings();
    const std::string_view subscribe = parameter(request, "auto_subscribe");
    settings.set_auto_subscribe(subscribe.empty() || is_true(subscribe));
    settings.set_adaptive_stream(is_true(parameter(request, "adaptive_stream")));
    settings.set_disable_ice_lite(is_true(parameter(request, "disable_ice_lite")));
    join.set_reconnect(is_true(parameter(request, "reconnect")));
    join.set_participant_sid(std::string(parameter(request, "sid")));
    return join;
}

}  // namespace isthmus::signaling::livekit
