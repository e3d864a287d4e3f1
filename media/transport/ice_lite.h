// The controlled, lite side of ICE: answers checks, remembers which paths they verified and which
// of them the client nominated last.
//
// Driven by PeerTransport with STUN messages; sends nothing by itself. Before a nomination there is
// no selected path (RFC 8445 section 7.3.2), but DTLS may come from any verified one.
// Leaves out: aggressive nomination's priorities (RFC 5245 section 8.1.1.2): the latest nomination
// wins, and clients repeat theirs.
// Specification: RFC 8445 sections 2.5, 6.1 and 7.3, RFC 7675.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/prefetch.h"
#include "base/time.h"
#include "media/transport/address.h"
#include "media/transport/ice.h"
#include "media/transport/stun_message.h"

namespace isthmus::media::transport {

enum class CheckResult : std::uint8_t {
    kValid,         // authentic and new: the client is alive on this path
    kRepeated,      // a request that was answered before, on the same path: answered again
    kRoleConflict,  // 487 written
    kRefused,       // authentic, but asks what we do not know: 420 written
    kIgnored,       // an indication
    kBad,           // malformed, not authentic, replayed from elsewhere: no answer
};

struct CheckOutcome {
    CheckResult result = CheckResult::kBad;
    bool selected_path_changed = false;
    // In the buffer that handle_message() was given; empty where nothing is to be sent. Never
    // longer than the request.
    std::span<const std::byte> answer{};
};

class IceLite {
  public:
    // `paths_max` >= 1 bounds the paths remembered.
    IceLite(IceCredentials local, IceCredentials remote, std::size_t paths_max);

    // `answer` has kStunBytesMax bytes.
    [[nodiscard]] CheckOutcome handle_message(Instant now,
                                              const Path& path,
                                              std::span<const std::byte> message,
                                              std::span<std::byte> answer);

    // RFC 8445 section 9. The former credentials are good until a check with the new ones comes.
    void restart(IceCredentials local, IceCredentials remote);

    // The other half of a restart whose remote credentials were not known yet.
    void set_remote(IceCredentials remote) { current_.remote = std::move(remote); }

    // A valid check came on it, lately enough to be among the paths remembered.
    [[nodiscard]] bool is_verified(const Path& path) const;

    // The path nominated last, or null. Valid until the next call that is not const.
    [[nodiscard]] const Path* selected() const;

    void prefetch_selected() const { prefetch(&selected_, sizeof selected_); }

    // Forgets the paths of a TCP connection. Returns whether the selected one was among them.
    bool remove_link(LinkId link);

    [[nodiscard]] const IceCredentials& local() const { return current_.local; }

    [[nodiscard]] const IceCredentials& remote() const { return current_.remote; }

  private:
    struct Pair {
        IceCredentials local;
        IceCredentials remote;
    };

    // No path has it.
    static constexpr std::uint32_t kNoNumber = 0;

    struct Verified {
        Path path;
        Instant checked_at;
        std::uint32_t number = kNoNumber;  // of this path for as long as it is remembered
    };

    // A transaction that was answered, and the number of the path that it came on: a path takes
    // 48 bytes, and there are kAnsweredMax of these for each client.
    struct Answered {
        StunTransactionId transaction{};
        std::uint32_t path_number = kNoNumber;
    };

    // A check whose integrity was verified with `local`.
    struct Authentic {
        const Path& path;
        std::span<const std::byte> message;
        const BindingRequest& request;
        const IceCredentials& local;
    };

    [[nodiscard]] CheckOutcome handle_authentic(Instant now,
                                                const Authentic& check,
                                                std::span<std::byte> answer);
    [[nodiscard]] const Answered* find_answered(const StunTransactionId& transaction) const;
    void remember_answered(const StunTransactionId& transaction, std::uint32_t path_number);
    // Returns its number.
    std::uint32_t verify(Instant now, const Path& path);
    [[nodiscard]] std::uint32_t number_of(const Path& path) const;
    // Whether the selection changed.
    bool select(const Path& path);

    Pair current_;
    std::optional<Pair> former_;
    std::size_t paths_max_;
    std::vector<Verified> verified_;
    std::uint32_t last_number_ = kNoNumber;
    std::optional<Path> selected_;
    // A ring. Whoever replays a check from another address moves nothing while it is in here;
    // clients check each path about every 2.5 s, so it spans more than the consent time.
    static constexpr std::size_t kAnsweredMax = 64;
    std::vector<Answered> answered_;
    std::size_t answered_next_ = 0;
};

}  // namespace isthmus::media::transport
