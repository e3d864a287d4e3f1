#include "tools/hub/fleet/schemas.h"

#include <boost/json/parse.hpp>

#include "base/check.h"
#include "control-agent/schema/schema.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

// docs/configuration.md. Keys that it does not name pass: the node may be newer than the hub.
constexpr const char* kNodeSchema = R"({
"type":"object","properties":{
 "media":{"type":"object","properties":{
  "bind":{"type":"array","items":{"type":"string","minLength":2}},
  "first_port":{"type":"integer","minimum":0,"maximum":65535},
  "workers":{"type":"integer","minimum":0,"maximum":1024},
  "advertised_addresses":{"type":"array","items":{"type":"string","minLength":2}},
  "ice_tcp":{"type":"boolean"},
  "receive_buffer_bytes":{"type":"integer","minimum":65536,"maximum":1073741824},
  "send_buffer_bytes":{"type":"integer","minimum":65536,"maximum":1073741824},
  "srtp_profiles":{"type":"array","items":{"type":"string"}},
  "srtp_engine":{"enum":["auto","ipsec-mb","openssl"]},
  "audio":{"type":"object","properties":{"loudest":{"type":"integer","minimum":0}}},
  "limits":{"type":"object","properties":{
   "conferences":{"type":"integer","minimum":1},
   "participants_per_conference":{"type":"integer","minimum":1},
   "conference_connections_per_worker":{"type":"integer","minimum":1},
   "tracks_per_participant":{"type":"integer","minimum":1,"maximum":500},
   "publish_bitrate_bps_max":{"type":"integer","minimum":10000},
   "tcp_connections":{"type":"integer","minimum":0}}}}},
 "http":{"type":"object","properties":{
  "listen":{"type":"array","items":{"type":"string"}},
  "tls_listen":{"type":"array","items":{"type":"string"}},
  "allowed_origins":{"type":"array","items":{"type":"string"}},
  "trusted_proxies":{"type":"array","items":{"type":"string"}},
  "connections":{"type":"integer","minimum":1,"maximum":1000000},
  "connections_per_address":{"type":"integer","minimum":1,"maximum":1000000}}},
 "ice_servers":{"type":"array","items":{"type":"object","required":["urls"],"properties":{
  "urls":{"type":"array","items":{"type":"string"}}}}},
 "keys":{"type":"object"},
 "meet":{"type":"object"},
 "webhooks":{"type":"object","properties":{"urls":{"type":"array","items":{"type":"string"}}}},
 "metrics":{"type":"object","properties":{"require_key":{"type":"boolean"}}},
 "log":{"type":"object","properties":{
  "level":{"enum":["debug","info","warning","error"]},"format":{"enum":["text","json"]}}},
 "state_directory":{"type":"string"},
 "shutdown_grace":{"type":"string"}}})";

// packaging/isthmus-agent.example.yaml: of its keys those that the hub may set.
constexpr const char* kAgentSchema = R"({
"type":"object","properties":{
 "heartbeat":{"type":"string","minLength":2},
 "node":{"type":"object","properties":{
  "healthy_within":{"type":"string","minLength":2},
  "meetings_wait":{"type":"string","minLength":2}}},
 "log":{"type":"object","properties":{
  "level":{"enum":["debug","info","warning","error"]}}}}})";

std::string fault(const schema::Schema& schema, const json::value& configuration) {
    const Result<void> fits = schema.check(configuration);
    return fits ? std::string() : fits.error().message;
}

}  // namespace

std::string fault_of_program_configuration(const std::string& program,
                                           const json::value& configuration) {
    static const Result<schema::Schema> kNode = schema::Schema::make(json::parse(kNodeSchema));
    static const Result<schema::Schema> kAgent = schema::Schema::make(json::parse(kAgentSchema));
    CHECK(kNode.has_value() && kAgent.has_value());
    if (program == "node") {
        return fault(*kNode, configuration);
    }
    return program == "agent" ? fault(*kAgent, configuration) : std::string();
}

}  // namespace isthmus::hub
