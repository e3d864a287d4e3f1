#include "control-agent/connectors/io/hosted_connector.h"

#include <filesystem>
#include <utility>
#include <variant>

#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/log.h"

namespace isthmus::connectors {
namespace {

namespace json = boost::json;

using Kind = supervisor::ProgramEvent::Kind;

constexpr std::size_t kTokenCharacters = 32;  // 190 bits

void write_log(const std::string& connector, const LogTold& told) {
    const auto write = [&](log::Level level) {
        if (log::enabled(level)) {
            log::write(level, "connector", connector + ": " + told.message);
        }
    };
    if (told.level == "error") {
        write(log::Level::kError);
    } else if (told.level == "warning") {
        write(log::Level::kWarning);
    } else {
        write(told.level == "debug" ? log::Level::kDebug : log::Level::kInfo);
    }
}

}  // namespace

HostedConnector::HostedConnector(ConnectorSurroundings& around,
                                 std::string directory,
                                 ConnectorManifest manifest,
                                 schema::Schema schema,
                                 ConnectorConfiguration configuration)
    : around_(&around),
      directory_(std::move(directory)),
      manifest_(std::move(manifest)),
      schema_(std::move(schema)),
      pending_(Pending{.configuration = std::move(configuration), .answer = nullptr}),
      patience_(*around.io) {}

supervisor::ProgramSpec HostedConnector::make_spec() {
    supervisor::ProgramSpec spec;
    spec.name = program_name();
    spec.command = (std::filesystem::path(directory_) / manifest_.program).string();
    spec.arguments = manifest_.arguments;
    spec.working_directory = directory_;
    spec.user = around_->config->user;
    spec.limits.memory_bytes = manifest_.memory_bytes;
    spec.restart = around_->config->restart;
    // The supervisor keeps the specification for longer than there is a connector.
    spec.environment_of_start = [weak = weak_from_this()] {
        const auto self = weak.lock();
        return self ? self->make_environment() : supervisor::Environment();
    };
    return spec;
}

supervisor::Environment HostedConnector::make_environment() {
    token_ = around_->random->next_token(kTokenCharacters);
    return {{"ISTHMUS_AGENT_SOCKET", around_->config->socket_path},
            {"ISTHMUS_CONNECTOR_TOKEN", token_}};
}

void HostedConnector::start(Answer answer) {
    if (pending_) {
        pending_->answer = std::move(answer);
    }
    around_->supervisor->start(make_spec(), [self = weak_from_this()](const Result<void>& started) {
        const auto connector = self.lock();
        if (connector && !started) {
            connector->lose_process(started.error().message);
        } else if (connector && connector->pid_ == 0) {
            // It ran already, started by somebody who gave it no token of ours.
            connector->around_->supervisor->restart(connector->program_name(),
                                                    [](const Result<void>&) {});
        }
    });
}

void HostedConnector::stop(Answer answer) {
    drop_connection();
    finish_pending(make_error(ErrorCode::kConflict, "the connector is stopped"));
    around_->supervisor->stop(program_name(), std::move(answer));
}

void HostedConnector::configure(ConnectorConfiguration configuration, Answer answer) {
    if (const Result<void> fits = schema_.check(configuration.value); !fits) {
        boost::asio::post(*around_->io, [answer = std::move(answer), fits]() mutable {
            answer(std::move(fits));
        });
        return;
    }
    finish_pending(make_error(ErrorCode::kConflict, "another configuration came after it"));
    pending_ = Pending{.configuration = std::move(configuration), .answer = std::move(answer)};
    give_configuration();
}

void HostedConnector::finish_pending(Result<void> result) {
    if (!pending_) {
        return;
    }
    Pending pending = std::move(*pending_);
    pending_.reset();
    if (result) {
        taken_version_ = pending.configuration.version;
        configuration_ = std::move(pending.configuration);
    }
    if (pending.answer) {
        boost::asio::post(*around_->io,
                          [answer = std::move(pending.answer),
                           result = std::move(result)]() mutable { answer(std::move(result)); });
    }
}

// The new one, or after a restart the one that it had.
void HostedConnector::give_configuration() {
    if (!connection_ || !connection_->session().is_ready()) {
        return;
    }
    const auto* const given = pending_         ? &pending_->configuration
                              : configuration_ ? &*configuration_
                                               : nullptr;
    if (given != nullptr) {
        connection_->session().configure(ConnectorConnection::now(), given->version, given->value);
        connection_->pump();
    }
}

// ---- its process ----

void HostedConnector::on_program_event(const supervisor::ProgramEvent& event) {
    switch (event.kind) {
        case Kind::kStarted:
            pid_ = event.pid;
            health_ = ConnectorHealth::kStarting;
            detail_.clear();
            wait_for_connection();
            break;
        case Kind::kEnded:
        case Kind::kStopped:
        case Kind::kKilled:
            // Not of a process that ran under this name before.
            if (event.pid == pid_) {
                lose_process(event.detail);
            }
            break;
        case Kind::kStartFailed:
            lose_process(event.detail);
            break;
        case Kind::kAdopted:
        case Kind::kCrashLoop:
        case Kind::kCrashLoopOver:
            break;  // alarms are the agent's
    }
}

void HostedConnector::wait_for_connection() {
    patience_.expires_after(around_->config->limits.connect_time);
    patience_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && !(self->connection_ && self->connection_->session().is_ready())) {
            self->refuse("it was started and did not connect");
        }
    });
}

void HostedConnector::drop_connection() {
    patience_.cancel();
    if (const auto connection = std::exchange(connection_, nullptr)) {
        refused_ += connection->session().refused();
        connection->close();
    }
}

void HostedConnector::lose_process(const std::string& why) {
    pid_ = 0;
    drop_connection();
    if (health_ != ConnectorHealth::kOutage || detail_.empty()) {
        detail_ = why;
    }
    health_ = ConnectorHealth::kOutage;
    if (pending_ && !configuration_) {
        configuration_ = pending_->configuration;  // there is none to go back to: tried again
    }
    finish_pending(make_error(
        ErrorCode::kUnavailable,
        fmt::format("the connector ended before it took the configuration: {}", detail_)));
}

// ---- its connection ----

void HostedConnector::accept(ConnectorConnection::Socket socket) {
    if (connection_ || token_.empty()) {
        // One connection for each start: somebody else in its process would be a second voice.
        refuse("it connected twice");
        return;
    }
    connection_ =
        std::make_shared<ConnectorConnection>(std::move(socket),
                                              manifest_,
                                              around_->config->limits,
                                              std::exchange(token_, {}),
                                              [weak = weak_from_this()](SessionEvent event) {
                                                  if (const auto self = weak.lock()) {
                                                      self->on_session_event(std::move(event));
                                                  }
                                              });
    connection_->begin();
}

void HostedConnector::on_session_event(SessionEvent event) {
    std::visit([this](auto& told) { handle(told); }, event);
}

void HostedConnector::handle(const ConnectorReady& /*ready*/) {
    patience_.cancel();
    give_configuration();
}

void HostedConnector::handle(HealthTold& told) {
    health_ = told.health;
    detail_ = std::move(told.detail);
}

void HostedConnector::handle(EventTold& told) {
    around_->emit(
        {.connector = manifest_.name, .kind = std::move(told.kind), .body = std::move(told.body)});
}

void HostedConnector::handle(HubCallAsked& asked) {
    around_->calls->call(
        manifest_.name,
        asked.method,
        std::move(asked.params),
        [weak = std::weak_ptr(connection_), call = asked.call](Result<json::value> result) {
            // Of a connection that is gone nobody waits any more.
            if (const auto connection = weak.lock()) {
                connection->session().answer_hub_call(call, std::move(result));
                connection->pump();
            }
        });
}

void HostedConnector::handle(const LogTold& told) const {
    write_log(manifest_.name, told);
}

void HostedConnector::handle(ConfigurationAnswered& answered) {
    if (answered.result && health_ == ConnectorHealth::kStarting) {
        health_ = ConnectorHealth::kOperational;
    }
    if (pending_ && pending_->configuration.version == answered.version) {
        finish_pending(std::move(answered.result));
        return;
    }
    if (answered.result) {
        taken_version_ = answered.version;
    }
    if (!answered.result) {
        // It took it once; something else has changed.
        health_ = ConnectorHealth::kOutage;
        detail_ = answered.result.error().message;
    }
}

void HostedConnector::handle(RequestDenied& denied) const {
    log::warning("connector", "{}: {}", manifest_.name, denied.sentence);
    around_->emit({.connector = manifest_.name,
                   .kind = "connector.denied",
                   .body = json::object{{"detail", denied.sentence}}});
}

void HostedConnector::handle(Violation& violation) {
    refuse(violation.sentence);
}

// It is ended, and started again with the back-off of a crash.
void HostedConnector::refuse(const std::string& sentence) {
    if (around_->ending) {
        drop_connection();
        return;
    }
    ++refused_;
    log::warning("connector", "{} is cut off: {}", manifest_.name, sentence);
    around_->emit({.connector = manifest_.name,
                   .kind = "connector.refused",
                   .body = json::object{{"detail", sentence}}});
    drop_connection();
    health_ = ConnectorHealth::kOutage;
    detail_ = sentence;
    around_->supervisor->kill(program_name());
}

ConnectorStatus HostedConnector::status() const {
    return {.name = manifest_.name,
            .version = manifest_.version,
            .health = health_,
            .detail = detail_,
            .configuration = taken_version_,
            .refused = refused_ + (connection_ ? connection_->session().refused() : 0)};
}

}  // namespace isthmus::connectors
