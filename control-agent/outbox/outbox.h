// Events on their way to the hub: on disk from append() on, gone only once the hub has said that
// its database holds them.
//
// Each entry has a number that grows by time, unique with the outbox's epoch; the hub takes each
// (node, epoch, sequence) once, in order. What is sent again after a lost acknowledgement is
// therefore counted once. Bounded: from four fifths on there is an alarm, and what finds no room is
// dropped, the newest first, counted, and told as an entry of its own once there is room.
//
// Nothing here throws or ends the program: a disk that is full or fails is tried again at every
// flush() while a few entries wait in memory; a damaged file is set aside and another one begun,
// with a new epoch. Time is told. One thread; appends wait for the disk (fsync).
//
// Leaves out: sending (tools/agent).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace isthmus::outbox {

namespace internal {
class Database;
struct DatabaseFault;
}  // namespace internal

struct OutboxConfig {
    std::filesystem::path path;
    // A node with a thousand usage records an hour is offline for a week and more.
    std::uint64_t bytes_max = 64UL * 1024 * 1024;  // of kinds and bodies
    std::uint64_t entries_max = 200'000;
    std::size_t entry_bytes_max = 64UL * 1024;
    std::size_t waiting_max = 1000;  // in memory while the disk takes nothing
};

// From here on there is an alarm.
inline constexpr double kNearFullShare = 0.8;
// What is left for alarms when others find no room.
inline constexpr double kRoomForAlarmsShare = 0.05;
// Entries whose kind begins so may use it.
inline constexpr std::string_view kAlarmKindPrefix = "alarm";
// {"entries":n,"from_ms":..,"to_ms":..}: what was dropped.
inline constexpr std::string_view kDroppedKind = "outbox.dropped";

struct OutboxEntry {
    std::uint64_t sequence = 0;
    std::int64_t unix_ms = 0;
    std::string kind;
    std::string body;  // JSON

    friend bool operator==(const OutboxEntry&, const OutboxEntry&) = default;
};

struct OutboxState {
    std::uint64_t epoch = 0;    // milliseconds of the file's beginning; 0: no file could be opened
    std::uint64_t entries = 0;  // on disk
    std::uint64_t bytes = 0;
    std::uint64_t waiting = 0;  // in memory, because the disk takes nothing
    std::uint64_t dropped = 0;  // and not told yet
    bool near_full = false;
    std::string fault;                // why the disk takes nothing; empty while it does
    std::filesystem::path set_aside;  // the damaged file that this one replaced, since the start
};

class Outbox {
  public:
    // Never fails: what is in the way is in state().fault.
    Outbox(OutboxConfig config, std::int64_t now_unix_ms);
    ~Outbox();
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    // kLimitExceeded where it was dropped.
    Result<void> append(std::int64_t now_unix_ms, std::string kind, std::string body);
    // Tries again what could not be written. Cheap where nothing waits.
    void flush(std::int64_t now_unix_ms);

    // Those after `after`, oldest first; at least one where there is one.
    [[nodiscard]] std::vector<OutboxEntry> read(std::int64_t now_unix_ms,
                                                std::uint64_t after,
                                                std::size_t count_max,
                                                std::size_t bytes_max);
    // The hub holds everything up to `sequence`. Of another epoch: nothing happens.
    void acknowledge(std::int64_t now_unix_ms, std::uint64_t epoch, std::uint64_t sequence);

    [[nodiscard]] OutboxState state() const;

  private:
    struct File;

    struct Dropped {
        std::uint64_t entries = 0;
        std::int64_t from_ms = 0;
        std::int64_t to_ms = 0;

        void add(std::int64_t unix_ms);
        [[nodiscard]] std::string text() const;

        friend bool operator==(const Dropped&, const Dropped&) = default;
    };

    void open(std::int64_t now_unix_ms);
    void add_dropped(const Dropped& earlier);
    [[nodiscard]] static Dropped read_dropped(internal::Database& database);
    void set_aside(std::int64_t now_unix_ms);
    // What a call's fault leads to; true where it is worth trying again at once.
    bool recover(std::int64_t now_unix_ms, const internal::DatabaseFault& fault);
    [[nodiscard]] std::expected<void, internal::DatabaseFault> write_waiting(
        std::int64_t now_unix_ms);
    [[nodiscard]] std::expected<void, internal::DatabaseFault> save(const Dropped& dropped);
    [[nodiscard]] std::uint64_t budget(std::string_view kind, std::uint64_t all) const;
    [[nodiscard]] bool near_full() const;
    [[nodiscard]] bool tells_dropped() const;

    OutboxConfig config_;
    std::unique_ptr<File> file_;
    std::uint64_t last_epoch_ = 0;
    std::deque<OutboxEntry> waiting_;
    Dropped dropped_;        // and not told yet
    Dropped dropped_saved_;  // as the file knows it
    std::string fault_;
    std::filesystem::path set_aside_;
};

}  // namespace isthmus::outbox
