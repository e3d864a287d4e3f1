// The controlling side of ICE towards a node that is ICE-lite: checks paths, nominates one, keeps
// consent fresh.
//
// After every call that takes `now`, drain poll_check() and re-arm from next_timeout(). Behaves as
// Chromium does: checks every path, nominates the first that works with a second check, repeats the
// check on the selected path every 2.5 s; `nominate_at_once` is Firefox's way. Nothing is allocated
// after the last path was added.
//
// A peer that checks paths itself is answered: other servers may claim to be lite and do so.
//
// Leaves out: gathering, candidate priorities.
// Specification: RFC 8445 section 7.2, RFC 7675.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/ice.h"
#include "media/transport/stun_message.h"

namespace isthmus::media::client {

struct IceControllerConfig {
    transport::IceCredentials local;
    transport::IceCredentials remote;
    bool nominate_at_once = false;
    // Wrong on purpose: the node answers 487, after which we are controlling.
    bool begin_as_controlled = false;
};

struct IceControllerCounters {
    std::uint64_t checks_sent = 0;
    std::uint64_t checks_answered = 0;
    std::uint64_t answers_bad = 0;
    std::uint64_t role_conflicts = 0;
};

class IceController {
  public:
    // `random` outlives the controller.
    IceController(IceControllerConfig config, RandomSource& random);

    // Checked from now on.
    void add_path(Instant now, const transport::Path& path);
    void remove_path(const transport::Path& path);
    // Moves to a path that was added: the next check there carries USE-CANDIDATE.
    void nominate(Instant now, const transport::Path& path);
    // New credentials on both sides; every path is checked and one nominated again.
    void restart(Instant now, transport::IceCredentials local, transport::IceCredentials remote);

    // An answer to a check of ours, or a check of the peer's, which poll_check() then answers.
    void handle_message(Instant now,
                        const transport::Path& path,
                        std::span<const std::byte> message);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // A check or an answer to send, or nothing when drained. Valid until the next call.
    [[nodiscard]] std::optional<transport::OutDatagram> poll_check();

    // The nominated path, once the node confirmed it; or null. Valid until a path is added or
    // removed.
    [[nodiscard]] const transport::Path* selected_path() const {
        return selected_ ? &*selected_ : nullptr;
    }

    // The address that the node last saw us at.
    [[nodiscard]] const std::optional<transport::SocketAddress>& mapped() const { return mapped_; }

    [[nodiscard]] const IceControllerCounters& counters() const { return counters_; }

  private:
    // Checks whose answer may still come. At one every 50 ms, 0.8 s of them.
    static constexpr std::size_t kChecksRemembered = 16;

    struct Check {
        transport::StunTransactionId transaction{};
        bool use_candidate = false;
        bool waiting = false;
    };

    struct Candidate {
        transport::Path path;
        Instant next_check;
        bool check_due = false;
        bool valid = false;
        bool nominating = false;
        std::size_t next_slot = 0;
        std::array<Check, kChecksRemembered> sent{};  // a ring
    };

    // An answer that waits for poll_check().
    struct Answer {
        transport::Path path;
        std::array<std::byte, transport::kStunBytesMax> bytes{};
        std::size_t size = 0;
    };

    void check(Instant now, Candidate& candidate);
    void handle_answer(Instant now,
                       const transport::Path& path,
                       std::span<const std::byte> message);
    // False where `message` is no check of the peer's.
    [[nodiscard]] bool answer_check(const transport::Path& path,
                                    std::span<const std::byte> message);
    [[nodiscard]] std::span<const std::byte> write_check(Candidate& candidate);
    void on_answer(Instant now, Candidate& candidate, bool use_candidate, int error_code);
    [[nodiscard]] Candidate* find(const transport::Path& path);

    IceControllerConfig config_;
    RandomSource& random_;
    bool controlling_ = true;
    std::uint64_t tie_breaker_ = 0;
    std::vector<Candidate> candidates_;
    std::optional<transport::Path> selected_;
    std::optional<transport::SocketAddress> mapped_;
    std::array<std::byte, transport::kStunBytesMax> buffer_{};
    Answer answer_;
    IceControllerCounters counters_;
};

}  // namespace isthmus::media::client
