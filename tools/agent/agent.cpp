#include "tools/agent/agent.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <boost/json/serialize.hpp>

#include "base/http/base64url.h"
#include "base/log.h"
#include "control-agent/channel/json_fields.h"
#include "tools/agent/agent_parts.h"
#include "tools/agent/resident_memory.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::int64_t kSecondsWithoutHub = 10;
// Two heartbeats without an answer: the connection looks whole, and is not.
constexpr int kUnansweredMax = 2;
constexpr std::uint64_t kTicksBetweenRenewalChecks = 360;  // an hour
constexpr std::uint64_t kTicksUntilRest = 2;
constexpr std::chrono::seconds kRenewalPause{60};

}  // namespace

void Agent::Parts::emit(std::string_view kind, const json::object& body) {
    const auto appended = outbox.append(unix_ms(), std::string(kind), json::serialize(body));
    if (!appended) {
        log::error("events", "{}", appended.error().message);
    }
    pusher.pump();
}

void Agent::Parts::on_up(const channel::ChannelTerms& terms) {
    down_because.clear();
    heartbeats_unanswered = 0;
    up_since_tick = ticks;
    heartbeat_s = std::clamp<std::int64_t>(terms.heartbeat_s, 1, 3600);
    hub_clock_offset_s = terms.hub_unix_s - unix_ms() / 1000;
    gate->set_clock_offset(hub_clock_offset_s);
    if (terms.learnt_keys) {
        save_identity();
    }
    log::info("channel", "connected to {} as node {}", identity.hub_url, identity.node);
    alarms.clear(unix_ms(), "hub.untrusted");
    send_heartbeat();
    runner->on_up();
    pusher.on_up();
    renew_on_channel();
    write_status_file();
    // The next heartbeat counts from this one, however long there was none to send.
    wait_for_tick();
}

void Agent::Parts::on_down(const std::string& why) {
    down_because = why;
    pusher.on_down();
    log::warning("channel", "the connection to the hub is lost: {}", why);
    write_status_file();
}

void Agent::Parts::on_failed(const std::string& why, bool security) {
    if (why != down_because) {
        log::warning("channel", "no connection to the hub: {}", why);
    }
    down_because = why;
    if (security) {
        alarms.raise(
            unix_ms(),
            "hub.untrusted",
            {.severity = Severity::kCritical,
             .title = "Something answers in the hub's place",
             .description = why,
             .solution = "Look at what is between this machine and the hub; if the hub was "
                         "replaced, enrol this node again"});
    }
    write_status_file();
}

void Agent::Parts::on_renewal_wanted(const std::string& why) {
    log::warning("channel", "the certificate must be renewed: {}", why);
    down_because = why;
    const auto again = [this] {
        renewal_timer.expires_after(kRenewalPause);
        renewal_timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                channel->start();
            }
        });
    };
    const auto connect = connect_config(config);
    auto begun =
        connect ? registration::Renewal::make(*io, random, identity, *connect)
                : Result<std::unique_ptr<registration::Renewal>>(std::unexpected(connect.error()));
    if (!begun) {
        log::error("channel", "{}", begun.error().message);
        again();
        return;
    }
    renewal = std::move(*begun);
    renewal->start(
        [this, again](std::expected<registration::NodeIdentity, registration::HubFault> renewed) {
            if (!renewed) {
                log::error("channel", "no new certificate: {}", renewed.error().why);
                down_because = renewed.error().why;
                again();
                return;
            }
            identity = std::move(*renewed);
            trust = identity.trust();
            save_identity();
            channel->start();
        });
}

void Agent::Parts::on_request(channel::RpcRequest request) {
    if (!request.id) {
        return;
    }
    if (request.method != "command") {
        channel->respond(*request.id,
                         std::unexpected(channel::RpcError{
                             .code = channel::kRpcMethodNotFound,
                             .message = "this agent does not know " + request.method,
                             .data = nullptr}));
        return;
    }
    const auto answer = runner->take(unix_ms() / 1000, request.params);
    // Not noted, so not done: the hub sends it again.
    alarms.set(unix_ms(),
               "state.disk",
               !answer && answer.error().code == channel::kRpcUnavailable,
               {.severity = Severity::kError,
                .title = "Commands cannot be noted",
                .description = answer ? "" : answer.error().message,
                .solution = "Make room on the disk of " + config.state_directory});
    channel->respond(*request.id, answer);
}

void Agent::Parts::renew_on_channel() {
    if (!channel->up() ||
        !registration::renewal_due(identity.certificate, unix_ms() / 1000 + hub_clock_offset_s)) {
        return;
    }
    channel->call("certificate.renew",
                  json::object{{"key", http::encode_base64url(identity.key.public_key().bytes())}},
                  [this](const std::expected<json::value, channel::RpcError>& answer) {
                      if (!answer) {
                          log::warning("channel", "no new certificate: {}", answer.error().message);
                          return;
                      }
                      const auto taken = registration::take_certificate(
                          identity, channel::text_field(*answer, "certificate").value_or(""));
                      if (!taken) {
                          log::error("channel", "{}", taken.error().message);
                          return;
                      }
                      save_identity();
                      log::info("channel", "the certificate is renewed");
                  });
}

void Agent::Parts::save_identity() {
    identity.take(trust);
    const auto saved =
        registration::save_identity(registration::identity_path(config.state_directory), identity);
    if (!saved) {
        log::error("registration", "{}", saved.error().message);
    }
}

void Agent::Parts::wait_for_tick() {
    tick_timer.expires_after(
        std::chrono::seconds(channel->up() ? seconds_between_heartbeats() : kSecondsWithoutHub));
    tick_timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            tick();
        }
    });
}

void Agent::Parts::tick() {
    ++ticks;
    if (channel->up() && heartbeats_unanswered >= kUnansweredMax) {
        channel->drop("the hub does not answer heartbeats");
    }
    if (channel->up() && ticks == up_since_tick + kTicksUntilRest) {
        release_unused_memory();
    }
    if (ticks % kTicksBetweenRenewalChecks == 0) {
        renew_on_channel();
    }
    ask_node([this] {
        check_alarms();
        pusher.pump();
        send_heartbeat();
        write_status_file();
    });
    wait_for_tick();
}

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::start(boost::asio::io_context& io,
                                            AgentConfig config,
                                            registration::NodeIdentity identity) {
    auto parts = std::make_unique<Parts>(io, std::move(config), std::move(identity));
    for (const auto step : {&Parts::open_state,
                            &Parts::make_supervisor,
                            &Parts::make_node,
                            &Parts::make_services,
                            &Parts::make_channel}) {
        if (const auto done = ((*parts).*step)(); !done) {
            return std::unexpected(done.error());
        }
    }
    parts->begin();
    return std::unique_ptr<Agent>(new Agent(std::move(parts)));  // NOLINT(*-owning-memory): private
}

void Agent::stop(std::move_only_function<void()> done) {
    parts_->tick_timer.cancel();
    parts_->services->expect_end();
    parts_->children->detach([done = std::move(done)](const Result<void>&) mutable { done(); });
}

}  // namespace isthmus::agent
