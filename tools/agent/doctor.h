// Tries everything that the agent needs, one thing after the other, and says of each what came of
// it: for the person at the machine, before anybody is asked.
//
// On one io_context's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "control-agent/registration/hub_http.h"
#include "control-agent/registration/node_identity.h"
#include "tools/agent/agent_config.h"
#include "tools/agent/hub_channel.h"
#include "tools/agent/node_api.h"

namespace isthmus::agent {

struct Finding {
    enum class Verdict : std::uint8_t { kGood, kNote, kBad };
    Verdict verdict = Verdict::kGood;
    std::string what;  // "proxy", "clock"
    std::string detail;
    std::string advice;
};

class Doctor final : public HubChannelUser {
  public:
    using Tell = std::function<void(const Finding&)>;

    // `hub_url`: where there is no identity yet. `agent_connected`: one runs and is connected; then
    // no second channel is opened, for it would take the first one's place.
    struct Subject {
        AgentConfig config;
        std::optional<registration::NodeIdentity> identity;
        std::string hub_url;
        bool agent_connected = false;
    };

    Doctor(boost::asio::io_context& io, Subject subject, Tell tell);
    ~Doctor() override;
    Doctor(const Doctor&) = delete;
    Doctor& operator=(const Doctor&) = delete;

    // `done` with whether all is well.
    void examine(std::function<void(bool well)> done);

  private:
    void tell(Finding::Verdict verdict,
              std::string what,
              std::string detail,
              std::string advice = {});
    void look_at_state();
    void look_at_certificate(std::int64_t hub_unix_s);
    void ask_hub();
    void on_hello(const std::expected<channel::EnrollmentHello, registration::HubFault>& hello);
    void open_channel();
    void ask_node();
    void finish();

    void on_up(const channel::ChannelTerms& terms) override;
    void on_down(const std::string& why) override;
    void on_failed(const std::string& why, bool security) override;
    void on_renewal_wanted(const std::string& why) override;
    void on_request(channel::RpcRequest request) override;
    void on_channel(bool good, const std::string& detail);

    boost::asio::io_context* io_;
    Subject subject_;
    Tell tell_;
    std::function<void(bool)> done_;
    bool well_ = true;
    SystemRandom random_;
    channel::HubTrust trust_;
    std::unique_ptr<registration::HubHttp> hub_;
    std::unique_ptr<HubChannel> channel_;
    std::unique_ptr<NodeApi> node_;
};

}  // namespace isthmus::agent
