#include "media/transport/ice_lite.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace isthmus::media::transport {

IceLite::IceLite(IceCredentials local, IceCredentials remote, std::size_t paths_max)
    : current_{.local = std::move(local), .remote = std::move(remote)}, paths_max_(paths_max) {
    CHECK(paths_max_ > 0);
}

CheckOutcome IceLite::handle_message(Instant now,
                                     const Path& path,
                                     std::span<const std::byte> message,
                                     std::span<std::byte> answer) {
    // Never more bytes out than in, whatever the request is.
    const std::span<std::byte> room = answer.first(std::min(answer.size(), message.size()));
    const auto request = parse_binding_request(message, current_.local, current_.remote);
    if (request) {
        const CheckOutcome outcome = handle_authentic(
            now,
            {.path = path, .message = message, .request = *request, .local = current_.local},
            room);
        if (outcome.result == CheckResult::kValid) {
            former_.reset();
        }
        return outcome;
    }
    if (request.error() == StunRefusal::kIndication) {
        return {.result = CheckResult::kIgnored};
    }
    if (request.error() == StunRefusal::kUnauthenticated && former_) {
        const auto late = parse_binding_request(message, former_->local, former_->remote);
        if (late) {
            return handle_authentic(
                now,
                {.path = path, .message = message, .request = *late, .local = former_->local},
                room);
        }
    }
    return {.result = CheckResult::kBad};
}

CheckOutcome IceLite::handle_authentic(Instant now,
                                       const Authentic& check,
                                       std::span<std::byte> answer) {
    const Answered* answered = find_answered(check.request.transaction);
    if (answered != nullptr && answered->path_number != number_of(check.path)) {
        return {.result = CheckResult::kBad};
    }
    if (check.request.has_unknown_attributes) {
        return {.result = CheckResult::kRefused,
                .answer = write_unknown_attributes(check.message, check.local, answer)};
    }
    // SPEC rfc8445#7.3.1.1: a lite agent can be controlled only.
    if (check.request.peer_is_controlled) {
        return {.result = CheckResult::kRoleConflict,
                .answer = write_role_conflict(check.message, check.local, answer)};
    }
    CheckOutcome outcome{
        .result = answered != nullptr ? CheckResult::kRepeated : CheckResult::kValid,
        .answer = write_binding_success(check.message, check.local, check.path.remote, answer)};
    if (outcome.answer.empty()) {
        return {.result = CheckResult::kBad};
    }
    if (answered == nullptr) {
        remember_answered(check.request.transaction, verify(now, check.path));
        outcome.selected_path_changed = check.request.use_candidate && select(check.path);
    }
    return outcome;
}

void IceLite::restart(IceCredentials local, IceCredentials remote) {
    // A second restart before the first one took effect: media still runs on the oldest.
    if (!former_) {
        former_ = std::move(current_);
    }
    current_ = {.local = std::move(local), .remote = std::move(remote)};
}

bool IceLite::is_verified(const Path& path) const {
    return selected_ == path || std::ranges::any_of(verified_, [&path](const Verified& known) {
               return known.path == path;
           });
}

const Path* IceLite::selected() const {
    return selected_ ? &*selected_ : nullptr;
}

bool IceLite::remove_link(LinkId link) {
    std::erase_if(verified_, [link](const Verified& known) {
        return known.path.protocol == Protocol::kTcp && known.path.link == link;
    });
    if (selected_ && selected_->protocol == Protocol::kTcp && selected_->link == link) {
        selected_.reset();
        return true;
    }
    return false;
}

const IceLite::Answered* IceLite::find_answered(const StunTransactionId& transaction) const {
    const auto found = std::ranges::find(answered_, transaction, &Answered::transaction);
    return found == answered_.end() ? nullptr : &*found;
}

void IceLite::remember_answered(const StunTransactionId& transaction, std::uint32_t path_number) {
    const Answered answered{.transaction = transaction, .path_number = path_number};
    if (answered_.size() < kAnsweredMax) {
        answered_.push_back(answered);
        return;
    }
    answered_[answered_next_] = answered;
    answered_next_ = (answered_next_ + 1) % kAnsweredMax;
}

std::uint32_t IceLite::number_of(const Path& path) const {
    const auto known = std::ranges::find(verified_, path, &Verified::path);
    return known == verified_.end() ? kNoNumber : known->number;
}

std::uint32_t IceLite::verify(Instant now, const Path& path) {
    const auto known = std::ranges::find(verified_, path, &Verified::path);
    if (known != verified_.end()) {
        known->checked_at = now;
        return known->number;
    }
    if (verified_.size() >= paths_max_) {
        // The one checked longest ago goes; the selected one only where there is no other.
        const auto oldest = std::ranges::min_element(verified_, {}, [this](const Verified& entry) {
            return selected_ == entry.path ? Instant::max() : entry.checked_at;
        });
        verified_.erase(oldest);
    }
    // Each takes an authentic check of its own: there are never four billion.
    verified_.push_back({.path = path, .checked_at = now, .number = ++last_number_});
    return last_number_;
}

bool IceLite::select(const Path& path) {
    if (selected_ == path) {
        return false;
    }
    selected_ = path;
    return true;
}

}  // namespace isthmus::media::transport
