#include "tools/node/media_plane.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/http/server_address.h"
#include "media/transport/dtls_identity.h"
#include "media/worker/local_switchboard.h"

namespace isthmus::node {
namespace {

using media::transport::IpAddress;
using media::transport::SocketAddress;

// The configuration has been checked: every text is an address.
IpAddress ip_of(const std::string& text) {
    const auto ip = IpAddress::parse(text);
    CHECK(ip.has_value());
    return *ip;
}

std::vector<SocketAddress> advertised_of(const MediaConfig& config) {
    std::vector<SocketAddress> addresses;
    for (const std::string& text : config.advertised_addresses) {
        if (const auto ip = IpAddress::parse(text)) {
            addresses.push_back({.ip = *ip, .port = 0});
        } else {
            const auto with_port = http::ListenAddress::parse(text);
            CHECK(with_port.has_value());
            addresses.push_back({.ip = ip_of(with_port->ip), .port = with_port->port});
        }
    }
    return addresses;
}

media::WorkerThreadConfig worker_config_of(
    const NodeConfig& node,
    std::uint32_t index,
    std::shared_ptr<const media::transport::DtlsIdentity> identity) {
    const MediaConfig& config = node.media;
    media::WorkerThreadConfig worker;
    worker.index = index;
    for (const std::string& address : config.bind) {
        worker.sockets.bind_addresses.push_back(ip_of(address));
    }
    worker.sockets.port = config.first_port == 0
                              ? std::uint16_t{0}
                              : static_cast<std::uint16_t>(config.first_port + index);
    worker.sockets.ice_tcp = config.ice_tcp;
    worker.sockets.advertised = advertised_of(config);
    worker.sockets.receive_buffer_bytes = static_cast<int>(config.receive_buffer_bytes);
    worker.sockets.send_buffer_bytes = static_cast<int>(config.send_buffer_bytes);
    worker.sockets.marking = config.dscp;
    worker.sockets.tcp_connections = config.limits.tcp_connections;
    worker.srtp_engine = config.srtp_engine;
    worker.identity = std::move(identity);
    worker.limits.participants_per_conference = config.limits.participants_per_conference;
    worker.limits.tracks_per_participant = config.limits.tracks_per_participant;
    worker.limits.audio_loudest = config.audio.loudest;
    worker.limits.audio_all_up_to = config.audio.all_up_to;
    worker.limits.publish_bitrate_bps_max = config.limits.publish_bitrate_bps_max;
    return worker;
}

}  // namespace

Result<MediaPlane> make_local_media(const NodeConfig& config, TaskExecutor executor) {
    auto identity = media::transport::DtlsIdentity::make(config.media.srtp_profiles);
    if (!identity) {
        return std::unexpected(identity.error());
    }
    const std::uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
    media::LocalSwitchboardConfig switchboard_config;
    const MediaLimits& limits = config.media.limits;
    switchboard_config.limits.conferences = limits.conferences;
    switchboard_config.limits.participants_per_conference = limits.participants_per_conference;
    switchboard_config.limits.conference_connections_per_worker =
        limits.conference_connections_per_worker;
    const std::uint32_t workers = config.media.workers == 0 ? cores : config.media.workers;
    for (std::uint32_t i = 0; i < workers; ++i) {
        switchboard_config.workers.push_back(worker_config_of(config, i, *identity));
        // Fewer workers than cores: somebody shares this machine, and the kernel knows better.
        if (workers == cores) {
            switchboard_config.workers.back().cpu = i;
        }
    }
    auto started = media::LocalSwitchboard::start(switchboard_config, std::move(executor));
    if (!started) {
        return std::unexpected(started.error());
    }
    media::LocalSwitchboard* local = started->get();
    MediaPlane plane;
    plane.ports = local->ports();
    plane.warnings = local->warnings();
    plane.data_stats = [local] { return local->data_stats(); };
    plane.shut_down = [local](std::move_only_function<void()> done) {
        local->shut_down(
            [done = std::move(done)](const Result<void>& /*result*/) mutable { done(); });
    };
    plane.switchboard = std::move(*started);
    return plane;
}

}  // namespace isthmus::node
