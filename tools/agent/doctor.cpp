#include "tools/agent/doctor.h"

#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "control-agent/channel/certificate.h"
#include "tools/agent/agent_parts.h"

namespace isthmus::agent {
namespace {

using Verdict = Finding::Verdict;

constexpr std::int64_t kClockFaultSeconds = 60;
constexpr std::int64_t kDay = 24L * 3600;

const char* name_of(http::ConnectStep step) {
    switch (step) {
        case http::ConnectStep::kAddress:
            return "name";
        case http::ConnectStep::kConnection:
            return "connection";
        case http::ConnectStep::kProxy:
            return "proxy";
        case http::ConnectStep::kTls:
            return "TLS";
        case http::ConnectStep::kCertificate:
            return "TLS certificate";
        case http::ConnectStep::kAnswer:
            return "answer";
    }
    return "";
}

}  // namespace

Doctor::Doctor(boost::asio::io_context& io, Subject subject, Tell tell)
    : io_(&io),
      subject_(std::move(subject)),
      tell_(std::move(tell)),
      trust_(subject_.identity ? subject_.identity->trust()
                               : channel::HubTrust(std::vector<channel::Bytes>())) {
    if (subject_.identity) {
        subject_.hub_url = subject_.identity->hub_url;
    }
}

Doctor::~Doctor() = default;

void Doctor::tell(Verdict verdict, std::string what, std::string detail, std::string advice) {
    well_ = well_ && verdict != Verdict::kBad;
    tell_({.verdict = verdict,
           .what = std::move(what),
           .detail = std::move(detail),
           .advice = std::move(advice)});
}

void Doctor::examine(std::function<void(bool well)> done) {
    done_ = std::move(done);
    look_at_state();
    if (subject_.hub_url.empty()) {
        tell(Verdict::kBad,
             "enrolment",
             "this machine is not enrolled, so it is not known which hub to try",
             "run isthmus-agent enroll CODE, or name a hub: isthmus-agent doctor --hub URL");
        ask_node();
        return;
    }
    ask_hub();
}

void Doctor::look_at_state() {
    const std::string& directory = subject_.config.state_directory;
    const bool writable = ::access(directory.c_str(), W_OK) == 0;
    std::error_code error;
    const auto space = std::filesystem::space(directory, error);
    constexpr std::uintmax_t kMebibyte = 1024UL * 1024;
    if (!writable || error) {
        tell(Verdict::kBad,
             "state",
             directory + " is not there or not writable",
             "run it as the user that the agent runs as, or root");
    } else if (space.available < 2 * subject_.config.outbox_bytes_max) {
        tell(Verdict::kNote,
             "state",
             fmt::format("{} has {} MiB left", directory, space.available / kMebibyte),
             "make room: events wait there for the hub");
    } else {
        tell(Verdict::kGood,
             "state",
             fmt::format("{}, {} MiB free", directory, space.available / kMebibyte));
    }
}

void Doctor::look_at_certificate(std::int64_t hub_unix_s) {
    if (!subject_.identity) {
        return;
    }
    const auto certificate = channel::read_certificate(subject_.identity->certificate);
    if (!certificate) {
        tell(Verdict::kBad, "node certificate", certificate.error().message, "enrol again");
        return;
    }
    const std::int64_t days = (certificate->not_after_unix_s - hub_unix_s) / kDay;
    if (certificate->valid_at(hub_unix_s)) {
        tell(Verdict::kGood, "node certificate", fmt::format("good for {} days more", days));
    } else {
        tell(Verdict::kNote,
             "node certificate",
             "it has run out",
             "nothing: the agent renews it by proof of its key");
    }
}

void Doctor::ask_hub() {
    auto connect = connect_config(subject_.config);
    if (connect) {
        if (const auto& proxy = connect->proxy) {
            tell(Verdict::kGood,
                 "proxy",
                 fmt::format("{}:{}{}, which looks up the hub's name itself",
                             proxy->host,
                             proxy->port,
                             proxy->credentials ? " with a user" : ""));
        }
        connect->on_step = [this](http::ConnectStep step, const std::string& what) {
            tell(Verdict::kGood, name_of(step), what);
        };
    }
    auto hub =
        connect ? registration::HubHttp::make(*io_, subject_.hub_url, *connect)
                : Result<std::unique_ptr<registration::HubHttp>>(std::unexpected(connect.error()));
    if (!hub) {
        tell(Verdict::kBad, "configuration", hub.error().message, "correct the agent's file");
        ask_node();
        return;
    }
    hub_ = std::move(*hub);
    hub_->hello(trust_,
                random_,
                [this](std::expected<channel::EnrollmentHello, registration::HubFault> hello) {
                    on_hello(hello);
                });
}

void Doctor::on_hello(
    const std::expected<channel::EnrollmentHello, registration::HubFault>& hello) {
    if (!hub_->certificate_note().empty()) {
        tell(Verdict::kNote,
             "TLS certificate",
             "it does not convince (" + hub_->certificate_note() +
                 "); the hub is known by its own key",
             "give the authority with authorities_file if you want it checked");
    }
    if (!hello) {
        tell(Verdict::kBad, "hub", hello.error().why, hello.error().advice);
        ask_node();
        return;
    }
    tell(Verdict::kGood, "hub", "it proved its key " + hello->key.id());
    const std::int64_t offset = hello->unix_s - unix_ms() / 1000;
    if (std::abs(offset) > kClockFaultSeconds) {
        tell(Verdict::kNote,
             "clock",
             fmt::format("it differs from the hub's by {} s", offset),
             "let it be set by NTP");
    } else {
        tell(Verdict::kGood, "clock", fmt::format("within {} s of the hub's", std::abs(offset)));
    }
    look_at_certificate(hello->unix_s);
    open_channel();
}

void Doctor::open_channel() {
    if (!subject_.identity) {
        ask_node();
        return;
    }
    if (subject_.agent_connected) {
        tell(Verdict::kGood, "channel", "the agent runs and is connected");
        ask_node();
        return;
    }
    auto connect = connect_config(subject_.config);
    if (!connect) {
        on_channel(false, connect.error().message);
        return;
    }
    auto made =
        HubChannel::make(*io_, random_, *subject_.identity, trust_, {.connect = *connect}, *this);
    if (!made) {
        on_channel(false, made.error().message);
        return;
    }
    channel_ = std::move(*made);
    channel_->start();
}

void Doctor::on_up(const channel::ChannelTerms& /*terms*/) {
    on_channel(true, "both sides proved who they are");
}

void Doctor::on_down(const std::string& /*why*/) {}

void Doctor::on_failed(const std::string& why, bool /*security*/) {
    on_channel(false, why);
}

void Doctor::on_renewal_wanted(const std::string& why) {
    on_channel(true, "it works, and the hub wants the certificate renewed: " + why);
}

void Doctor::on_request(channel::RpcRequest /*request*/) {}

void Doctor::on_channel(bool good, const std::string& detail) {
    tell(good ? Verdict::kGood : Verdict::kBad,
         "channel",
         detail,
         good ? ""
              : "if HTTPS works and this does not, a proxy on the way does not let WebSockets "
                "through: let it allow them, or pass the hub by");
    // Not from within the channel's call.
    boost::asio::post(*io_, [this] {
        channel_.reset();
        ask_node();
    });
}

void Doctor::ask_node() {
    if (!subject_.config.node.enabled) {
        finish();
        return;
    }
    auto made = NodeApi::make(*io_, subject_.config.node.url, subject_.config.node.configuration);
    if (!made) {
        tell(Verdict::kBad, "node", made.error().message);
        finish();
        return;
    }
    node_ = std::move(*made);
    node_->ask_maintenance([this](const Result<boost::json::value>& answer) {
        if (answer) {
            tell(Verdict::kGood, "node", "it answers at " + subject_.config.node.url);
        } else {
            tell(Verdict::kBad,
                 "node",
                 answer.error().message,
                 "look into its log; check node.url and node.configuration in the agent's file");
        }
        finish();
    });
}

void Doctor::finish() {
    const auto done = std::exchange(done_, nullptr);
    if (done) {
        done(well_);
    }
}

}  // namespace isthmus::agent
