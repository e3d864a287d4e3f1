#include "control-agent/registration/enrollment.h"

#include <system_error>
#include <utility>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "base/check.h"
#include "control-agent/channel/key_file.h"

namespace isthmus::registration {

namespace fs = std::filesystem;

std::string_view to_string(EnrollmentStep step) {
    switch (step) {
        case EnrollmentStep::kCode:
            return "reading the code";
        case EnrollmentStep::kKeys:
            return "making keys";
        case EnrollmentStep::kHub:
            return "checking the hub";
        case EnrollmentStep::kProof:
            return "proving the code and the keys to the hub";
        case EnrollmentStep::kStore:
            return "storing what the hub gave";
    }
    return "";
}

std::string EnrollmentFailure::text() const {
    return fmt::format("Step {} of {}, {}, failed: {}\nWhat to do: {}",
                       static_cast<int>(step) + 1,
                       kEnrollmentSteps,
                       to_string(step),
                       why,
                       advice);
}

void Enrollment::begin(EnrollmentStep step) {
    step_ = step;
    if (progress_) {
        progress_(step);
    }
}

void Enrollment::fail(std::string why, std::string advice) {
    Answer answer = std::move(answer_);
    answer(std::unexpected(
        EnrollmentFailure{.step = step_, .why = std::move(why), .advice = std::move(advice)}));
}

void Enrollment::start(Progress progress, Answer answer) {
    progress_ = std::move(progress);
    answer_ = std::move(answer);
    if (read_code() && make_keys()) {
        ask_hub();
    }
}

bool Enrollment::read_code() {
    begin(EnrollmentStep::kCode);
    auto code = channel::read_code(options_.code);
    if (!code) {
        fail(code.error().message, "isthmusctl hub node add prints a code as one word");
        return false;
    }
    code_ = std::move(*code);
    trust_.emplace(std::vector<channel::Bytes>{code_.fingerprint});
    return true;
}

// Storing is tried before the code is spent: it is good only once.
bool Enrollment::make_keys() {
    begin(EnrollmentStep::kKeys);
    const fs::path path = identity_path(options_.state_directory);
    if (fs::exists(path) && !options_.replace) {
        fail("this machine is enrolled already (" + path.string() + ")",
             "nothing, if it is with the right hub (isthmus-agent status); else add --replace, and "
             "remove the old node at its hub");
        return false;
    }
    std::error_code error;
    fs::create_directories(options_.state_directory, error);
    const fs::path trial = options_.state_directory / "enrolling";
    const auto written = error ? make_error(ErrorCode::kUnavailable,
                                            "cannot make " + options_.state_directory.string() +
                                                ": " + error.message())
                               : channel::write_private_file(trial, "trial\n");
    if (!written) {
        fail(written.error().message,
             "run it as the user that the agent runs as (or root), on a disk with room");
        return false;
    }
    fs::remove(trial, error);
    key_ = channel::SigningKey::generate(*random_);
    sealing_key_ = channel::ExchangeKey::generate(*random_);
    return true;
}

void Enrollment::ask_hub() {
    begin(EnrollmentStep::kHub);
    CHECK(trust_.has_value());
    auto hub = HubHttp::make(*io_, code_.url, options_.connect);
    if (!hub) {
        fail(hub.error().message, "check --authorities");
        return;
    }
    hub_ = std::move(*hub);
    hub_->hello(*trust_, *random_, [this](std::expected<channel::EnrollmentHello, HubFault> hello) {
        if (hello) {
            prove(*hello);
        } else {
            fail(std::move(hello.error().why), std::move(hello.error().advice));
        }
    });
}

void Enrollment::prove(const channel::EnrollmentHello& hello) {
    begin(EnrollmentStep::kProof);
    CHECK(key_.has_value() && sealing_key_.has_value());
    hub_->post("/v1/enroll",
               channel::write_enroll(code_,
                                     hello,
                                     {.name = options_.name,
                                      .key = &*key_,
                                      .sealing_key = &*sealing_key_,
                                      .versions = options_.versions}),
               [this, hello](std::expected<std::string, HubFault> body) {
                   if (!body) {
                       fail(std::move(body.error().why), std::move(body.error().advice));
                       return;
                   }
                   auto enrolled = channel::read_enrolled(*body, hello, key_->public_key());
                   if (!enrolled) {
                       fail(enrolled.error().message,
                            "ask for a new code; if it fails again, ask what is on the way");
                       return;
                   }
                   store(std::move(*enrolled));
               });
}

void Enrollment::store(channel::Enrolled enrolled) {
    begin(EnrollmentStep::kStore);
    CHECK(key_.has_value() && sealing_key_.has_value() && trust_.has_value());
    NodeIdentity identity{.hub_url = code_.url,
                          .node = std::move(enrolled.node),
                          .cluster = std::move(enrolled.cluster),
                          .cluster_name = std::move(enrolled.cluster_name),
                          .organisation = std::move(enrolled.organisation),
                          .certificate = std::move(enrolled.certificate),
                          .authorities = std::move(enrolled.authorities),
                          .key = *key_,
                          .sealing_key = *sealing_key_};
    identity.take(*trust_);
    if (const auto saved = save_identity(identity_path(options_.state_directory), identity);
        !saved) {
        fail(saved.error().message,
             "make room on the disk; ask for a new code, for this one is spent, and remove node " +
                 identity.node + " at the hub");
        return;
    }
    Answer answer = std::move(answer_);
    answer(std::move(identity));
}

}  // namespace isthmus::registration
