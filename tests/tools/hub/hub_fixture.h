// A whole hub on a port of its own, in the test's thread, with an administrator who is logged in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "base/http/client.h"
#include "base/random.h"
#include "tests/temporary_folder.h"
#include "tests/tools/hub/scripted_agent.h"
#include "tools/hub/hub.h"
#include "tools/hub/hub_options.h"

namespace isthmus::hub {

struct ApiReply {
    unsigned status = 0;
    boost::json::value body;
    std::string text;
};

class HubFixture : public ::testing::Test {
  public:
    ~HubFixture() override;
    HubFixture(const HubFixture&) = delete;
    HubFixture& operator=(const HubFixture&) = delete;

  protected:
    // `database`: postgresql://..., or empty for SQLite. `options`: what differs from the usual.
    explicit HubFixture(std::string database = {}, HubOptions options = {});

    void start_hub();
    void stop_hub();
    // Believes the hub's authorities of now.
    void make_client();
    // A session lasts for some hours only.
    void log_in();
    // Until `done` says so, or ten seconds are over: then false.
    [[nodiscard]] bool run_until(const std::function<bool()>& done);

    [[nodiscard]] ApiReply call(const std::string& method,
                                const std::string& path,
                                const boost::json::value& body = nullptr);
    [[nodiscard]] ApiReply call_as(const std::string& token,
                                   const std::string& method,
                                   const std::string& path,
                                   const boost::json::value& body = nullptr);
    // A code of this cluster, which is made where it is not there.
    [[nodiscard]] std::string make_code(const std::string& cluster);
    [[nodiscard]] ScriptedIdentity enroll(const std::string& code, const std::string& name);
    // Enrolled and connected.
    [[nodiscard]] std::unique_ptr<ScriptedAgent> connect_node(const std::string& name);
    // The result of the call, or of its error.
    [[nodiscard]] channel::RpcResponse ask(ScriptedAgent& agent,
                                           std::string_view method,
                                           const boost::json::value& params);

    [[nodiscard]] std::string ca_file() const { return (data_ / "ca.crt").string(); }

    static constexpr const char* kPassword = "correct horse battery";

    std::string database_;
    HubOptions options_;
    TemporaryFolder folder_;
    std::filesystem::path data_ = folder_.path() / "hub";
    boost::asio::io_context io_{1};
    SystemRandom random_;
    std::unique_ptr<Hub> hub_;
    std::unique_ptr<http::Client> client_;
    std::string url_;
    std::string token_;
    std::uint16_t port_ = 0;  // the same after a restart
};

}  // namespace isthmus::hub
