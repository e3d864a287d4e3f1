// A hub on loopback that does what the test says: the real sessions of control-agent/channel over a
// real HTTP server, without a database.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/random.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/hub_session.h"
#include "control-agent/channel/json_rpc.h"
#include "control-agent/channel/signing_key.h"
#include "control-agent/registration/node_identity.h"
#include "tests/base/http/server_fixture.h"

namespace isthmus::agent {

class ScriptedHub {
  public:
    // Changes a frame of the handshake before it goes out: what another release, or somebody on the
    // way, would have sent. The first is the hello.
    using Change = std::function<std::string(int frame, std::string text)>;

    explicit ScriptedHub(Change change = {},
                         const channel::ProtocolRange& protocols = channel::kProtocols);
    ScriptedHub(const ScriptedHub&) = delete;
    ScriptedHub& operator=(const ScriptedHub&) = delete;
    ~ScriptedHub();

    // A node of this hub.
    [[nodiscard]] registration::NodeIdentity identity();

    // Refuses instead of welcoming from now on.
    void refuse(std::string reason, bool renew);
    // Sends a request on the newest channel.
    void send(const std::string& method, const boost::json::value& params);
    // Closes it.
    void hang_up();
    // What came on the channels, as "method params"; answers are "result ...".
    [[nodiscard]] std::vector<std::string> heard();

  private:
    class End;
    struct Shared;

    std::shared_ptr<Shared> shared_;
    std::unique_ptr<http::RunningServer> server_;
};

}  // namespace isthmus::agent
