// What the node can be told: one struct with every default, and its reading from YAML.
//
// packaging/isthmus-node.example.yaml writes every default down, docs/configuration.md explains;
// tests hold both against this struct.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http/server_address.h"
#include "base/log.h"
#include "base/time.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_profile.h"
#include "media/transport/traffic_class.h"
#include "signaling/access/token.h"

namespace isthmus::node {

struct MediaLimits {
    std::uint32_t conferences = 1000;
    std::uint32_t participants_per_conference = 1000;
    // Of one conference on one worker, before it spans another.
    std::uint32_t conference_connections_per_worker = 500;
    std::uint32_t tracks_per_participant = 16;
    std::uint64_t publish_bitrate_bps_max = 20'000'000;  // of one participant; more is dropped
    std::uint32_t tcp_connections = 1000;                // ICE-TCP, of one worker

    friend bool operator==(const MediaLimits&, const MediaLimits&) = default;
};

struct AudioConfig {
    std::uint32_t loudest = 3;    // tracks of a conference that are forwarded; 0: all
    std::uint32_t all_up_to = 8;  // tracks: in a conference with no more, all are

    friend bool operator==(const AudioConfig&, const AudioConfig&) = default;
};

struct MediaConfig {
    std::vector<std::string> bind = {"0.0.0.0", "::"};
    // Worker n has UDP and TCP port first_port + n. 0: the kernel chooses.
    std::uint16_t first_port = 5004;
    std::uint32_t workers = 0;  // 0: one for each core
    // "ip" or "ip:port" as clients reach the node from outside; empty: the local addresses.
    std::vector<std::string> advertised_addresses;
    bool ice_tcp = true;
    // 4 MiB holds 30 ms of a 1 Gbit/s burst. net.core.rmem_max must allow it.
    std::uint32_t receive_buffer_bytes = 4U * 1024 * 1024;
    std::uint32_t send_buffer_bytes = 4U * 1024 * 1024;
    std::vector<media::transport::SrtpProfile> srtp_profiles{
        media::transport::kSrtpProfilesByPreference.begin(),
        media::transport::kSrtpProfilesByPreference.end()};
    media::transport::SrtpEngine srtp_engine = media::transport::SrtpEngine::kAuto;
    AudioConfig audio;
    media::transport::TrafficMarking dscp;
    MediaLimits limits;

    friend bool operator==(const MediaConfig&, const MediaConfig&) = default;
};

struct HttpConfig {
    std::vector<http::ListenAddress> listen = {{.ip = "127.0.0.1", .port = 8080}};
    std::vector<http::ListenAddress> tls_listen = {{.ip = "0.0.0.0", .port = 8443},
                                                   {.ip = "::", .port = 8443}};
    // PEM files, both or none; none: a certificate of the node's own in state_directory.
    std::string certificate;
    std::string key;
    // Origins of web pages that may use WHIP and WHEP from a browser; "*" is all. Tokens, not
    // origins, decide who may join.
    std::vector<std::string> allowed_origins = {"*"};
    std::vector<std::string> trusted_proxies;
    std::string pages_directory;  // empty: found beside the program
    std::uint32_t connections = 1024;
    std::uint32_t connections_per_address = 128;

    friend bool operator==(const HttpConfig&, const HttpConfig&) = default;
};

// A STUN or TURN server that clients are told.
struct IceServerConfig {
    std::vector<std::string> urls;  // "stun:", "stuns:", "turn:", "turns:" (RFC 7064, RFC 7065)
    // Fixed credentials, or the secret that the TURN server shares with us and from which each
    // client gets its own (draft-uberti-behave-turn-rest-00; coturn's static-auth-secret).
    std::string username;
    std::string credential;
    std::string shared_secret;
    Duration credential_ttl = std::chrono::hours(12);

    friend bool operator==(const IceServerConfig&, const IceServerConfig&) = default;
};

// Other servers that are told what happens in conferences.
struct WebhooksConfig {
    std::vector<std::string> urls;
    std::string key;  // whose secret signs what is sent

    friend bool operator==(const WebhooksConfig&, const WebhooksConfig&) = default;
};

struct NodeConfig {
    MediaConfig media;
    HttpConfig http;
    std::vector<IceServerConfig> ice_servers;
    signaling::access::ApiKeys keys;
    // The key that signs tokens for whoever opens the meeting page; empty: the page asks for one.
    std::string join_key;
    WebhooksConfig webhooks;
    bool metrics_require_key = true;
    log::Level log_level = log::Level::kInfo;
    log::Format log_format = log::Format::kText;
    std::string state_directory;  // empty: default_state_directory()
    Duration shutdown_grace = std::chrono::seconds(5);

    friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

// HMAC-SHA-256's block of security (RFC 7518 section 3.2), in characters.
inline constexpr std::size_t kSecretCharactersMin = 32;

inline constexpr std::string_view kDevKey = "devkey";
inline constexpr std::string_view kDevSecret = "devsecret-change-me-32-characters!";

// All problems at once, one a line, each with file, line, key and what to do. `name` stands for the
// file in them.
// `keys`: keys that there are whatever the file says.
[[nodiscard]] Result<NodeConfig> parse_node_config(const std::string& text,
                                                   std::string_view name,
                                                   const signaling::access::ApiKeys& keys = {});
[[nodiscard]] Result<NodeConfig> load_node_config(const std::string& path,
                                                  const signaling::access::ApiKeys& keys = {});

// $STATE_DIRECTORY (systemd), else /var/lib/isthmus for root, else $XDG_STATE_HOME/isthmus or
// ~/.local/state/isthmus. Reads the environment: call before threads start.
[[nodiscard]] std::string default_state_directory();

}  // namespace isthmus::node
