#include "media/worker/io/worker_group.h"

#include <memory>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "media/worker/worker_core.h"

namespace isthmus::media {
namespace {

// Takes what is in `output`, or nothing where the worker has too much to do.
bool hand_over(WorkerDoor& door, data::DataOutput& output) {
    auto held = std::make_shared<data::DataOutput>(std::move(output));
    WorkerDoor::Job job = [held](WorkerContext& context) {
        context.core.handle_data(context.now, held->packets, std::move(held->events), context.sink);
    };
    if (door.post(std::move(job))) {
        return true;
    }
    output = std::move(*held);
    return false;
}

}  // namespace

Result<std::unique_ptr<WorkerDoor>> WorkerDoor::open() {
    transport::FileDescriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) {
        return make_error(ErrorCode::kUnavailable,
                          "No file descriptors are left for a media worker; raise the limit "
                          "(ulimit -n, LimitNOFILE).");
    }
    return std::unique_ptr<WorkerDoor>(new WorkerDoor(std::move(wake)));
}

bool WorkerDoor::post(Job&& job) {
    bool first = false;
    if (!mailbox_.push(std::move(job), first)) {
        return false;
    }
    if (first) {
        signal();
    }
    return true;
}

void WorkerDoor::wake() {
    // Both sides exchange: whichever comes second sees what the other did before.
    if (asleep_.exchange(false, std::memory_order_acq_rel)) {
        signal();
    }
}

void WorkerDoor::close() {
    mailbox_.close();
    signal();
}

void WorkerDoor::after_sleep() {
    asleep_.store(false, std::memory_order_relaxed);
}

void WorkerDoor::publish_load(const LoadReading& reading) {
    cpu_share_.store(reading.cpu_share, std::memory_order_relaxed);
    packets_per_second_.store(reading.packets_per_second, std::memory_order_relaxed);
    loading_.store(reading.loading, std::memory_order_relaxed);
}

LoadReading WorkerDoor::load() const {
    return {.cpu_share = cpu_share_.load(std::memory_order_relaxed),
            .packets_per_second = packets_per_second_.load(std::memory_order_relaxed),
            .loading = loading_.load(std::memory_order_relaxed)};
}

void WorkerDoor::signal() {
    const std::uint64_t one = 1;
    // Fails only where the counter is full: then the worker is awake.
    static_cast<void>(::write(wake_.get(), &one, sizeof one));
}

Result<std::shared_ptr<WorkerGroup>> WorkerGroup::make(std::size_t workers) {
    auto group = std::make_shared<WorkerGroup>(
        WorkerGroup{.doors = {}, .rings = relay::RelayRings(workers), .data = nullptr});
    for (std::size_t i = 0; i < workers; ++i) {
        auto door = WorkerDoor::open();
        if (!door) {
            return std::unexpected(door.error());
        }
        group->doors.push_back(*std::move(door));
    }
    auto data = data::DataThread::start(
        data::DataLimits{}, [doors = group.get()](std::uint32_t worker, data::DataOutput& output) {
            return hand_over(*doors->doors[worker], output);
        });
    if (!data) {
        return std::unexpected(data.error());
    }
    group->data = *std::move(data);
    return group;
}

}  // namespace isthmus::media
