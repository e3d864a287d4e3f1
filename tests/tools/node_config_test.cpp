#include "tools/node/node_config.h"

#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace isthmus::node {
namespace {

std::string problems(const std::string& text) {
    const auto config = parse_node_config(text, "f");
    return config ? std::string() : config.error().message;
}

std::string read_example() {
    std::ifstream file("packaging/isthmus-node.example.yaml");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(NodeConfig, HasTheExamplesDefaults) {
    const std::string example = read_example();
    ASSERT_FALSE(example.empty());
    const auto parsed = parse_node_config(example, "example");
    ASSERT_TRUE(parsed) << parsed.error().message;
    // Part by part, so that a failure says where.
    const NodeConfig defaults;
    EXPECT_EQ(parsed->media.bind, defaults.media.bind);
    EXPECT_EQ(parsed->media.first_port, defaults.media.first_port);
    EXPECT_EQ(parsed->media.limits, defaults.media.limits);
    EXPECT_EQ(parsed->media, defaults.media);
    EXPECT_EQ(parsed->http.listen, defaults.http.listen);
    EXPECT_EQ(parsed->http.tls_listen, defaults.http.tls_listen);
    EXPECT_EQ(parsed->http, defaults.http);
    EXPECT_EQ(parsed->ice_servers, defaults.ice_servers);
    EXPECT_EQ(parsed->keys, defaults.keys);
    EXPECT_EQ(parsed->join_key, defaults.join_key);
    EXPECT_EQ(parsed->webhooks, defaults.webhooks);
    EXPECT_EQ(parsed->metrics_require_key, defaults.metrics_require_key);
    EXPECT_EQ(parsed->log_level, defaults.log_level);
    EXPECT_EQ(parsed->log_format, defaults.log_format);
    EXPECT_EQ(parsed->state_directory, defaults.state_directory);
    EXPECT_EQ(parsed->shutdown_grace, defaults.shutdown_grace);
    EXPECT_EQ(*parsed, defaults);
    EXPECT_EQ(parse_node_config("", "empty").value(), defaults);
}

// Each key of the example, changed, changes the configuration or is refused: none is ignored.
TEST(NodeConfig, ExampleHasEveryKey) {
    for (const char* key : {"bind:",
                            "first_port:",
                            "workers:",
                            "advertised_addresses:",
                            "ice_tcp:",
                            "receive_buffer_",
                            "send_buffer_",
                            "srtp_profiles:",
                            "srtp_engine:",
                            "conferences:",
                            "participants_",
                            "tracks_per_",
                            "publish_bitrate",
                            "tcp_connections:",
                            "loudest:",
                            "dscp:",
                            "all_up_to:",
                            "audio:",
                            "video:",
                            "listen:",
                            "tls_listen:",
                            "certificate:",
                            "key:",
                            "allowed_origins",
                            "trusted_proxies:",
                            "pages_directory",
                            "connections:",
                            "connections_per",
                            "ice_servers:",
                            "keys:",
                            "require_key:",
                            "join_key:",
                            "urls:",
                            "level:",
                            "format:",
                            "state_directory",
                            "shutdown_grace:"}) {
        EXPECT_TRUE(read_example().contains("\n" + std::string(key)) ||
                    read_example().contains(" " + std::string(key)))
            << key;
    }
}

TEST(NodeConfig, ReadsWhatIsSaid) {
    const auto config = parse_node_config(R"(
media:
  bind: ["10.0.0.1"]
  first_port: 0
  workers: 3
  advertised_addresses: ["203.0.113.5", "203.0.113.5:40000", "[2001:db8::5]:5004"]
  ice_tcp: false
  srtp_profiles: [AES_CM_128_HMAC_SHA1_80]
  srtp_engine: openssl
  dscp: {audio: 40, video: "off"}
  limits: {tracks_per_participant: 4}
http:
  listen: []
  tls_listen: ["[::1]:443"]
  certificate: /c.pem
  key: /k.pem
  allowed_origins: ["https://meet.example.org"]
ice_servers:
  - urls: ["turns:turn.example.org:443?transport=tcp"]
    shared_secret: s3cret
    credential_ttl: 1h
keys: {backend: "0123456789abcdef0123456789abcdef"}
metrics: {require_key: false}
meet: {join_key: backend}
webhooks: {urls: ["https://backend.example.org/hook"], key: backend}
log: {level: debug, format: json}
state_directory: /srv/state
shutdown_grace: 250ms
)",
                                          "f");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->media.workers, 3U);
    EXPECT_EQ(config->media.advertised_addresses.size(), 3U);
    EXPECT_FALSE(config->media.ice_tcp);
    EXPECT_EQ(config->media.srtp_profiles.size(), 1U);
    EXPECT_EQ(config->media.srtp_engine, media::transport::SrtpEngine::kOpenSsl);
    EXPECT_EQ(config->media.dscp.audio.dscp, 40);
    EXPECT_EQ(config->media.dscp.video.dscp, 0);
    EXPECT_EQ(config->media.limits.tracks_per_participant, 4U);
    EXPECT_TRUE(config->http.listen.empty());
    EXPECT_EQ(config->http.tls_listen.at(0).ip, "::1");
    EXPECT_EQ(config->http.key, "/k.pem");
    EXPECT_EQ(config->ice_servers.at(0).credential_ttl, std::chrono::hours(1));
    EXPECT_EQ(config->keys.at("backend").size(), 32U);
    EXPECT_FALSE(config->metrics_require_key);
    EXPECT_EQ(config->join_key, "backend");
    EXPECT_EQ(config->webhooks.urls.size(), 1U);
    EXPECT_EQ(config->webhooks.key, "backend");
    EXPECT_EQ(config->log_format, log::Format::kJson);
    EXPECT_EQ(config->shutdown_grace, std::chrono::milliseconds(250));
}

TEST(NodeConfig, NamesEveryProblemAtOnce) {
    const std::string text = problems(
        "media:\n  wrokers: 2\n  first_port: 70000\nhttp:\n  listen: ['8080']\nlog:\n  level: "
        "loud\n");
    EXPECT_TRUE(
        text.contains("f:2: media.wrokers: there is no such key; did you mean \"workers\"?"))
        << text;
    EXPECT_TRUE(text.contains("f:3: media.first_port: \"70000\" is no whole number")) << text;
    EXPECT_TRUE(text.contains("f:5: http.listen: \"8080\" is not an address and port")) << text;
    EXPECT_TRUE(text.contains("f:7: log.level: \"loud\" is not one of debug, info")) << text;
}

TEST(NodeConfig, RefusesWhatCannotWork) {
    constexpr const char* kTwoSecrets =
        "ice_servers: [{urls: ['turn:a'], username: u, credential: c, shared_secret: s}]";
    for (const char* text : {"media: {bind: []}",
                             "media: {bind: [localhost]}",
                             "media: {first_port: 65535, workers: 2}",
                             "media: {advertised_addresses: ['example.org']}",
                             "media: {srtp_profiles: []}",
                             "media: {srtp_profiles: [AES_CM_128_HMAC_SHA1_32]}",
                             "media: {srtp_profiles: [AEAD_AES_128_GCM, AEAD_AES_128_GCM]}",
                             "media: {receive_buffer_bytes: 1}",
                             "http: {certificate: /c.pem}",
                             "http: {key: /k.pem}",
                             "http: {allowed_origins: ['meet.example.org']}",
                             "http: {allowed_origins: ['https://a/b']}",
                             "http: {trusted_proxies: ['10.0.0.0/8']}",
                             "ice_servers: [{}]",
                             "ice_servers: [{urls: ['http://a']}]",
                             "ice_servers: [{urls: ['turn:a']}]",
                             "ice_servers: [{urls: ['turn:a'], username: u}]",
                             kTwoSecrets,
                             "ice_servers: [{urls: ['stun:a'], credential_ttl: 1s}]",
                             "keys: {a: short}",
                             "keys: {'a:b': 0123456789abcdef0123456789abcdef}",
                             "keys: {a: 'devsecret-change-me-32-characters!'}",
                             "keys: [a]",
                             "meet: {join_key: nobody}",
                             "webhooks: {urls: ['http://a/']}",
                             "webhooks: {key: nobody}",
                             "webhooks: {urls: [nonsense], key: nobody}",
                             "shutdown_grace: 5",
                             "media: 5",
                             "nonsense",
                             "[]"}) {
        EXPECT_FALSE(problems(text).empty()) << text;
    }
}

TEST(NodeConfig, NeverRepeatsASecret) {
    EXPECT_FALSE(problems("keys: {a: hunter2}").contains("hunter2"));
}

TEST(NodeConfig, SaysWhichFileCannotBeRead) {
    const auto config = load_node_config("/nonexistent/node.yaml");
    ASSERT_FALSE(config);
    EXPECT_TRUE(config.error().message.contains("/nonexistent/node.yaml"));
}

TEST(DevSecret, IsLongEnoughToBeASecret) {
    EXPECT_GE(kDevSecret.size(), kSecretCharactersMin);
}

}  // namespace
}  // namespace isthmus::node
