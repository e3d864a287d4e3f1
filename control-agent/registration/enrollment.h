// Makes this machine a node of the hub that a code names: keys, a check of the hub, proof, and what
// it keeps. The keys are made here and never leave the machine.
//
// On one io_context's thread. Specification: control-agent/channel/enrollment.h.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/http/connect_config.h"
#include "base/random.h"
#include "control-agent/channel/enrollment.h"
#include "control-agent/registration/hub_http.h"
#include "control-agent/registration/node_identity.h"

namespace isthmus::registration {

enum class EnrollmentStep : std::uint8_t { kCode, kKeys, kHub, kProof, kStore };

inline constexpr int kEnrollmentSteps = 5;

// "making keys".
[[nodiscard]] std::string_view to_string(EnrollmentStep step);

struct EnrollmentFailure {
    EnrollmentStep step = EnrollmentStep::kCode;
    std::string why;
    std::string advice;

    // "Step 3 of 5, checking the hub, failed: ...\nWhat to do: ..."
    [[nodiscard]] std::string text() const;
};

struct EnrollmentOptions {
    std::string code;
    std::filesystem::path state_directory;
    std::string name;              // how the hub shall call it at first: the host's name
    boost::json::object versions;  // program -> version
    http::ConnectConfig connect;
    bool replace = false;  // an enrolment that is there already
};

class Enrollment {
  public:
    using Answer = std::move_only_function<void(std::expected<NodeIdentity, EnrollmentFailure>)>;
    using Progress = std::function<void(EnrollmentStep)>;  // each step as it begins

    // `io` and `random` outlive it.
    Enrollment(boost::asio::io_context& io, RandomSource& random, EnrollmentOptions options)
        : io_(&io), random_(&random), options_(std::move(options)) {}

    // Once. `answer` may be called from within.
    void start(Progress progress, Answer answer);

    // What is wrong with the hub's TLS certificate; enrolment does not rest on it.
    [[nodiscard]] std::string certificate_note() const {
        return hub_ ? hub_->certificate_note() : std::string();
    }

  private:
    void begin(EnrollmentStep step);
    void fail(std::string why, std::string advice);
    [[nodiscard]] bool read_code();
    [[nodiscard]] bool make_keys();
    void ask_hub();
    void prove(const channel::EnrollmentHello& hello);
    void store(channel::Enrolled enrolled);

    boost::asio::io_context* io_;
    RandomSource* random_;
    EnrollmentOptions options_;
    EnrollmentStep step_ = EnrollmentStep::kCode;
    Progress progress_;
    Answer answer_;
    channel::EnrollmentCode code_;
    std::optional<channel::HubTrust> trust_;
    std::optional<channel::SigningKey> key_;
    std::optional<channel::ExchangeKey> sealing_key_;
    std::unique_ptr<HubHttp> hub_;
};

}  // namespace isthmus::registration
