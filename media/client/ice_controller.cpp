#include "media/client/ice_controller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"

namespace isthmus::media::client {

using transport::IceCredentials;
using transport::OutDatagram;
using transport::Path;

namespace {

constexpr Duration kCheckInterval = std::chrono::milliseconds(50);      // RFC 8445 section 14.2, Ta
constexpr Duration kConsentInterval = std::chrono::milliseconds(2500);  // Chromium's
constexpr std::uint32_t kHostPriority = 0x6e7f'ffff;  // peer reflexive, RFC 8445 section 5.1.2.1
constexpr int kRoleConflict = 487;

}  // namespace

IceController::IceController(IceControllerConfig config, RandomSource& random)
    : config_(std::move(config)),
      random_(random),
      controlling_(!config_.begin_as_controlled),
      tie_breaker_(random.next_u64()) {}

void IceController::add_path(Instant now, const Path& path) {
    candidates_.push_back({.path = path, .next_check = now});
    check(now, candidates_.back());
}

void IceController::remove_path(const Path& path) {
    std::erase_if(candidates_, [&path](const Candidate& each) { return each.path == path; });
    if (selected_ == path) {
        selected_.reset();
    }
}

void IceController::nominate(Instant now, const Path& path) {
    Candidate* candidate = find(path);
    CHECK(candidate != nullptr);
    for (Candidate& each : candidates_) {
        each.nominating = false;
    }
    candidate->nominating = true;
    check(now, *candidate);
}

void IceController::restart(Instant now, IceCredentials local, IceCredentials remote) {
    config_.local = std::move(local);
    config_.remote = std::move(remote);
    for (Candidate& candidate : candidates_) {
        candidate.valid = false;
        candidate.nominating = false;
        candidate.sent.fill({});
        check(now, candidate);
    }
}

void IceController::handle_timeout(Instant now) {
    for (Candidate& candidate : candidates_) {
        if (now >= candidate.next_check) {
            check(now, candidate);
        }
    }
}

Instant IceController::next_timeout() const {
    Instant next = kNever;
    for (const Candidate& candidate : candidates_) {
        next = std::min(next, candidate.next_check);
    }
    return next;
}

std::optional<OutDatagram> IceController::poll_check() {
    if (answer_.size != 0) {
        const std::size_t size = std::exchange(answer_.size, 0);
        return OutDatagram{.path = &answer_.path, .bytes = std::span(answer_.bytes).first(size)};
    }
    const auto due = std::ranges::find(candidates_, true, &Candidate::check_due);
    if (due == candidates_.end()) {
        return std::nullopt;
    }
    due->check_due = false;
    return OutDatagram{.path = &due->path, .bytes = write_check(*due)};
}

void IceController::check(Instant now, Candidate& candidate) {
    candidate.check_due = true;
    const bool settled = candidate.valid && (!candidate.nominating || selected_ == candidate.path);
    candidate.next_check = now + (settled ? kConsentInterval : kCheckInterval);
}

std::span<const std::byte> IceController::write_check(Candidate& candidate) {
    Check& check = candidate.sent[candidate.next_slot++ % kChecksRemembered];
    random_.fill(check.transaction);
    check.use_candidate = controlling_ && (config_.nominate_at_once || candidate.nominating);
    check.waiting = true;
    const auto request = write_binding_request({.transaction = check.transaction,
                                                .tie_breaker = tie_breaker_,
                                                .priority = kHostPriority,
                                                .controlling = controlling_,
                                                .use_candidate = check.use_candidate},
                                               config_.local,
                                               config_.remote,
                                               buffer_);
    CHECK(!request.empty());
    ++counters_.checks_sent;
    return request;
}

void IceController::handle_message(Instant now,
                                   const Path& path,
                                   std::span<const std::byte> message) {
    if (!answer_check(path, message)) {
        handle_answer(now, path, message);
    }
}

bool IceController::answer_check(const Path& path, std::span<const std::byte> message) {
    const auto request = transport::parse_binding_request(message, config_.local, config_.remote);
    if (!request) {
        return request.error() == transport::StunRefusal::kUnauthenticated;
    }
    if (find(path) != nullptr) {
        answer_.path = path;
        const auto room =
            std::span(answer_.bytes).first(std::min(message.size(), answer_.bytes.size()));
        answer_.size =
            transport::write_binding_success(message, config_.local, path.remote, room).size();
    }
    return true;
}

void IceController::handle_answer(Instant now,
                                  const Path& path,
                                  std::span<const std::byte> message) {
    Candidate* const candidate = find(path);
    const auto transaction = transport::stun_transaction(message);
    if (candidate == nullptr || !transaction) {
        ++counters_.answers_bad;
        return;
    }
    const auto sent = std::ranges::find_if(candidate->sent, [&transaction](const Check& check) {
        return check.waiting && check.transaction == *transaction;
    });
    if (sent == candidate->sent.end()) {
        ++counters_.answers_bad;
        return;
    }
    const auto answer = transport::parse_binding_response(message, *transaction, config_.remote);
    if (!answer) {
        ++counters_.answers_bad;
        return;
    }
    sent->waiting = false;
    if (answer->mapped) {
        mapped_ = answer->mapped;
    }
    on_answer(now, *candidate, sent->use_candidate, answer->error_code);
}

void IceController::on_answer(Instant now,
                              Candidate& candidate,
                              bool use_candidate,
                              int error_code) {
    if (error_code == kRoleConflict) {
        // RFC 8445 section 7.2.5.1: switch, take a new tie-breaker, check again.
        ++counters_.role_conflicts;
        controlling_ = true;
        tie_breaker_ = random_.next_u64();
        check(now, candidate);
        return;
    }
    if (error_code != 0) {
        ++counters_.answers_bad;
        return;
    }
    ++counters_.checks_answered;
    candidate.valid = true;
    candidate.next_check = std::max(candidate.next_check, now + kConsentInterval);
    if (use_candidate && (candidate.nominating || config_.nominate_at_once)) {
        candidate.nominating = true;
        selected_ = candidate.path;
    } else if (std::ranges::none_of(candidates_, &Candidate::nominating)) {
        candidate.nominating = true;
        check(now, candidate);
    }
}

IceController::Candidate* IceController::find(const Path& path) {
    const auto found = std::ranges::find(candidates_, path, &Candidate::path);
    return found == candidates_.end() ? nullptr : &*found;
}

}  // namespace isthmus::media::client
