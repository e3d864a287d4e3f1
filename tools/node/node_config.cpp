#include "tools/node/node_config.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string_view>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <unistd.h>

#include "base/config_reader.h"
#include "base/http/client.h"

namespace isthmus::node {
namespace {

using http::ListenAddress;
using media::transport::SrtpEngine;
using media::transport::SrtpProfile;
using media::transport::TrafficClass;

constexpr std::uint64_t kU32Max = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kPortMax = 65'535;
constexpr std::uint64_t kWorkersMax = 1024;
constexpr std::uint64_t kLoudestMax = 16;  // ActiveSpeakers::kRankedMax
constexpr std::uint64_t kAllUpToMax = 10'000;
constexpr std::uint64_t kBitrateMax = 100'000'000'000;

bool is_ip(const std::string& text) {
    std::array<unsigned char, 16> bytes{};
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

template <typename Valid>
void check_each(ConfigReader& reader,
                std::string_view key,
                const std::vector<std::string>& values,
                Valid valid,
                std::string_view expected) {
    for (const std::string& value : values) {
        if (!valid(value)) {
            reader.refuse(key, fmt::format("\"{}\" is not {}", value, expected));
        }
    }
}

void read_limits(ConfigReader reader, MediaLimits& limits) {
    reader.read("conferences", limits.conferences, 1, kU32Max);
    reader.read("participants_per_conference", limits.participants_per_conference, 1, kU32Max);
    reader.read(
        "conference_connections_per_worker", limits.conference_connections_per_worker, 1, kU32Max);
    reader.read("tracks_per_participant", limits.tracks_per_participant, 1, 500);
    reader.read("publish_bitrate_bps_max", limits.publish_bitrate_bps_max, 10'000, kBitrateMax);
    reader.read("tcp_connections", limits.tcp_connections, 0, kU32Max);
    reader.finish();
}

void read_profiles(ConfigReader& reader, std::vector<SrtpProfile>& profiles) {
    static constexpr std::array<ConfigChoice<SrtpProfile>, 3> kNames = {{
        {"AEAD_AES_128_GCM", SrtpProfile::kAeadAes128Gcm},
        {"AEAD_AES_256_GCM", SrtpProfile::kAeadAes256Gcm},
        {"AES_CM_128_HMAC_SHA1_80", SrtpProfile::kAesCm128HmacSha1_80},
    }};
    std::vector<std::string> names;
    names.reserve(profiles.size());
    for (const SrtpProfile profile : profiles) {
        names.emplace_back(
            std::ranges::find(kNames, profile, &ConfigChoice<SrtpProfile>::value)->name);
    }
    reader.read("srtp_profiles", names);
    profiles.clear();
    for (const std::string& name : names) {
        const auto* known = std::ranges::find(kNames, name, &ConfigChoice<SrtpProfile>::name);
        if (known == kNames.end()) {
            reader.refuse("srtp_profiles",
                          fmt::format("\"{}\" is not one of AEAD_AES_128_GCM, AEAD_AES_256_GCM, "
                                      "AES_CM_128_HMAC_SHA1_80",
                                      name));
        } else if (std::ranges::find(profiles, known->value) != profiles.end()) {
            reader.refuse("srtp_profiles", fmt::format("{} stands twice", name));
        } else {
            profiles.push_back(known->value);
        }
    }
    if (names.empty()) {
        reader.refuse("srtp_profiles", "at least one profile must stay");
    }
}

void read_traffic_class(ConfigReader& reader, std::string_view key, TrafficClass& traffic_class) {
    std::string text = traffic_class.to_string();
    reader.read(key, text);
    if (const auto parsed = text == "off" ? TrafficClass{} : TrafficClass::parse(text)) {
        traffic_class = *parsed;
    } else {
        reader.refuse(key,
                      fmt::format("\"{}\" is no DSCP: write EF, AF41, CS5 and the like, a number "
                                  "from 0 to 63, or off",
                                  text));
    }
}

void check_ports(ConfigReader& reader, const MediaConfig& media) {
    const std::uint32_t workers =
        media.workers == 0 ? std::max(1U, std::thread::hardware_concurrency()) : media.workers;
    if (media.first_port != 0 && media.first_port + workers - 1 > kPortMax) {
        reader.refuse("first_port",
                      fmt::format("{} workers need a port each from {} up, which passes {}",
                                  workers,
                                  media.first_port,
                                  kPortMax));
    }
}

void read_media(ConfigReader reader, MediaConfig& media) {
    reader.read("bind", media.bind);
    check_each(reader, "bind", media.bind, is_ip, "an IPv4 or IPv6 address");
    if (media.bind.empty()) {
        reader.refuse("bind", "at least one address must stay");
    }
    reader.read("first_port", media.first_port, 0, kPortMax);
    reader.read("workers", media.workers, 0, kWorkersMax);
    check_ports(reader, media);
    reader.read("advertised_addresses", media.advertised_addresses);
    check_each(
        reader,
        "advertised_addresses",
        media.advertised_addresses,
        [](const std::string& text) { return is_ip(text) || ListenAddress::parse(text); },
        "an address or an address and port, e.g. 203.0.113.5, 203.0.113.5:5004 or "
        "[2001:db8::5]:5004");
    reader.read("ice_tcp", media.ice_tcp);
    reader.read("receive_buffer_bytes", media.receive_buffer_bytes, 65'536, 1U << 30U);
    reader.read("send_buffer_bytes", media.send_buffer_bytes, 65'536, 1U << 30U);
    read_profiles(reader, media.srtp_profiles);
    reader.read<SrtpEngine>("srtp_engine",
                            media.srtp_engine,
                            {{"auto", SrtpEngine::kAuto},
                             {"ipsec-mb", SrtpEngine::kIpsecMb},
                             {"openssl", SrtpEngine::kOpenSsl}});
    if (auto audio = reader.section("audio")) {
        audio->read("loudest", media.audio.loudest, 0, kLoudestMax);
        audio->read("all_up_to", media.audio.all_up_to, 0, kAllUpToMax);
        audio->finish();
    }
    if (auto dscp = reader.section("dscp")) {
        read_traffic_class(*dscp, "audio", media.dscp.audio);
        read_traffic_class(*dscp, "video", media.dscp.video);
        dscp->finish();
    }
    if (auto limits = reader.section("limits")) {
        read_limits(std::move(*limits), media.limits);
    }
    reader.finish();
}

void read_addresses(ConfigReader& reader,
                    std::string_view key,
                    std::vector<ListenAddress>& addresses) {
    std::vector<std::string> texts;
    texts.reserve(addresses.size());
    for (const ListenAddress& address : addresses) {
        texts.push_back(address.to_string());
    }
    reader.read(key, texts);
    addresses.clear();
    for (const std::string& text : texts) {
        if (auto address = ListenAddress::parse(text)) {
            addresses.push_back(std::move(*address));
        } else {
            reader.refuse(key,
                          fmt::format("\"{}\" is not an address and port, e.g. 127.0.0.1:8080 or "
                                      "[::]:8443",
                                      text));
        }
    }
}

bool is_origin(const std::string& text) {
    if (text == "*") {
        return true;
    }
    const std::size_t scheme = text.starts_with("https://")  ? 8
                               : text.starts_with("http://") ? 7
                                                             : 0;
    return scheme != 0 && text.size() > scheme && !text.substr(scheme).contains('/');
}

void read_http(ConfigReader reader, HttpConfig& http) {
    read_addresses(reader, "listen", http.listen);
    read_addresses(reader, "tls_listen", http.tls_listen);
    reader.read("certificate", http.certificate);
    reader.read("key", http.key);
    if (http.certificate.empty() != http.key.empty()) {
        reader.refuse(http.key.empty() ? "key" : "certificate",
                      "certificate and key come together: name both PEM files, or none");
    }
    reader.read("allowed_origins", http.allowed_origins);
    check_each(reader,
               "allowed_origins",
               http.allowed_origins,
               is_origin,
               "an origin without path, e.g. https://meet.example.org, or \"*\"");
    reader.read("trusted_proxies", http.trusted_proxies);
    check_each(reader, "trusted_proxies", http.trusted_proxies, is_ip, "an IPv4 or IPv6 address");
    reader.read("pages_directory", http.pages_directory);
    reader.read("connections", http.connections, 1, 1'000'000);
    reader.read("connections_per_address", http.connections_per_address, 1, 1'000'000);
    reader.finish();
}

bool is_ice_url(const std::string& url) {
    return std::ranges::any_of(
        std::array<std::string_view, 4>{"stun:", "stuns:", "turn:", "turns:"},
        [&](std::string_view scheme) {
            return url.starts_with(scheme) && url.size() > scheme.size() &&
                   url.find_first_of(" <>\"\t") == std::string::npos;
        });
}

void read_ice_server(ConfigReader reader, IceServerConfig& server) {
    reader.read("urls", server.urls);
    if (server.urls.empty()) {
        reader.refuse("urls", "name at least one, e.g. [\"stun:stun.example.org\"]");
    }
    check_each(reader, "urls", server.urls, is_ice_url, "a stun:, stuns:, turn: or turns: URL");
    reader.read("username", server.username);
    reader.read("credential", server.credential);
    reader.read("shared_secret", server.shared_secret);
    reader.read("credential_ttl", server.credential_ttl);
    const bool fixed = !server.username.empty() || !server.credential.empty();
    const bool turn = std::ranges::any_of(
        server.urls, [](const std::string& url) { return url.starts_with("turn"); });
    if (fixed && !server.shared_secret.empty()) {
        reader.refuse("shared_secret", "set either this or username and credential");
    } else if (turn && server.shared_secret.empty() &&
               (server.username.empty() || server.credential.empty())) {
        reader.refuse("urls", "TURN needs shared_secret, or username and credential");
    }
    if (server.credential_ttl < std::chrono::minutes(1)) {
        reader.refuse("credential_ttl", "less than 1m is too short for a client to connect");
    }
    reader.finish();
}

void read_keys(ConfigReader reader, signaling::access::ApiKeys& keys) {
    for (auto& [name, secret] : reader.entries()) {
        if (name.contains(':')) {
            reader.refuse(name, "a key's name has no colon: HTTP Basic could not carry it");
        } else if (secret.size() < kSecretCharactersMin) {
            reader.refuse(name,
                          fmt::format("the secret has {} characters; use {} or more, e.g. what "
                                      "\"openssl rand -base64 33\" prints",
                                      secret.size(),
                                      kSecretCharactersMin));
        } else if (secret == kDevSecret) {
            reader.refuse(name,
                          "this is the secret of --dev, which everybody knows; make one with "
                          "\"openssl rand -base64 33\"");
        } else {
            keys.insert_or_assign(name, std::move(secret));
        }
    }
}

void read_key_name(ConfigReader& reader,
                   std::string_view name,
                   const signaling::access::ApiKeys& keys,
                   std::string& key) {
    reader.read(name, key);
    if (!key.empty() && !keys.contains(key)) {
        reader.refuse(name, "there is no such key under keys");
    }
}

void read_webhooks(ConfigReader reader,
                   const signaling::access::ApiKeys& keys,
                   WebhooksConfig& webhooks) {
    reader.read("urls", webhooks.urls);
    for (const std::string& url : webhooks.urls) {
        if (const std::string fault = http::fault_of_url(url); !fault.empty()) {
            reader.refuse("urls", fault);
        }
    }
    read_key_name(reader, "key", keys, webhooks.key);
    if (!webhooks.urls.empty() && webhooks.key.empty()) {
        reader.refuse("key", "name one of keys: what is sent is signed with it");
    }
    reader.finish();
}

void read_log(ConfigReader reader, NodeConfig& config) {
    reader.read<log::Level>("level",
                            config.log_level,
                            {{"debug", log::Level::kDebug},
                             {"info", log::Level::kInfo},
                             {"warning", log::Level::kWarning},
                             {"error", log::Level::kError}});
    reader.read<log::Format>(
        "format", config.log_format, {{"text", log::Format::kText}, {"json", log::Format::kJson}});
    reader.finish();
}

void read_root(ConfigReader& reader, NodeConfig& config) {
    if (auto media = reader.section("media")) {
        read_media(std::move(*media), config.media);
    }
    if (auto http = reader.section("http")) {
        read_http(std::move(*http), config.http);
    }
    for (ConfigReader& server : reader.sections("ice_servers")) {
        read_ice_server(std::move(server), config.ice_servers.emplace_back());
    }
    if (auto keys = reader.section("keys")) {
        read_keys(std::move(*keys), config.keys);
    }
    if (auto meet = reader.section("meet")) {
        read_key_name(*meet, "join_key", config.keys, config.join_key);
        meet->finish();
    }
    if (auto webhooks = reader.section("webhooks")) {
        read_webhooks(std::move(*webhooks), config.keys, config.webhooks);
    }
    if (auto metrics = reader.section("metrics")) {
        metrics->read("require_key", config.metrics_require_key);
        metrics->finish();
    }
    if (auto log = reader.section("log")) {
        read_log(std::move(*log), config);
    }
    reader.read("state_directory", config.state_directory);
    reader.read("shutdown_grace", config.shutdown_grace);
    reader.finish();
}

}  // namespace

Result<NodeConfig> parse_node_config(const std::string& text,
                                     std::string_view name,
                                     const signaling::access::ApiKeys& keys) {
    auto root = parse_config(text, name);
    if (!root) {
        return std::unexpected(root.error());
    }
    ConfigProblems problems(name);
    ConfigReader reader(*root, problems);
    NodeConfig config;
    config.keys = keys;
    read_root(reader, config);
    if (!problems.empty()) {
        return make_error(ErrorCode::kInvalidArgument, problems.text());
    }
    return config;
}

Result<NodeConfig> load_node_config(const std::string& path,
                                    const signaling::access::ApiKeys& keys) {
    // Far more than a configuration that people write.
    constexpr std::uintmax_t kFileBytesMax = 1UL << 20U;
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) {
        return make_error(ErrorCode::kNotFound,
                          fmt::format("cannot read {}: {}", path, error.message()));
    }
    if (size > kFileBytesMax) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("{} has {} bytes: that is no configuration", path, size));
    }
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) {
        return make_error(
            ErrorCode::kPermissionDenied,
            fmt::format("cannot read {}: check its owner and mode, or run as its owner", path));
    }
    return parse_node_config(text, path, keys);
}

std::string default_state_directory() {
    // NOLINTBEGIN(concurrency-mt-unsafe): before threads start
    if (const char* systemd = std::getenv("STATE_DIRECTORY")) {
        const std::string_view first(systemd);
        return std::string(first.substr(0, first.find(':')));
    }
    if (::geteuid() == 0) {
        return "/var/lib/isthmus";
    }
    if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg != nullptr && *xdg != '\0') {
        return std::string(xdg) + "/isthmus";
    }
    const char* home = std::getenv("HOME");
    return std::string(home == nullptr ? "/tmp" : home) + "/.local/state/isthmus";
    // NOLINTEND(concurrency-mt-unsafe)
}

}  // namespace isthmus::node
