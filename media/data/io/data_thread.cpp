#include "media/data/io/data_thread.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mailbox.h"
#include "media/transport/io/clock.h"
#include "media/transport/io/file_descriptor.h"

namespace isthmus::media::data {
namespace {

using transport::read_clock;

timespec to_timespec(Duration duration) {
    const auto ns = std::max<std::int64_t>(0, duration.count());
    return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

double cpu_seconds_of(pthread_t thread) {
    clockid_t clock{};
    timespec time{};
    if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &time) != 0) {
        return 0;
    }
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

class DataThread::Loop {
  public:
    Loop(const DataLimits& limits, Sink sink, transport::FileDescriptor wake)
        : limits_(limits),
          sink_(std::move(sink)),
          wake_(std::move(wake)),
          control_(kControlJobsMax),
          traffic_(kTrafficJobsMax) {}

    void start() {
        thread_ = std::jthread([this] { run(); });
        pthread_setname_np(thread_.native_handle(), "data");
    }

    void stop() {
        stopping_.store(true, std::memory_order_release);
        control_.close();
        traffic_.close();
        signal();
        thread_.join();
    }

    [[nodiscard]] bool open(std::uint32_t owner,
                            AssociationId id,
                            StreamParity parity,
                            DataDescription description) {
        return post(control_,
                    [owner, id, parity, description = std::move(description)](Loop& loop) {
                        loop.open_here(owner, id, parity, description);
                    });
    }

    [[nodiscard]] bool close(AssociationId id) {
        return post(control_, [id](Loop& loop) { loop.close_here(id); });
    }

    [[nodiscard]] bool close_channel(AssociationId id, std::uint16_t channel) {
        return post(control_,
                    [id, channel](Loop& loop) { loop.stack_->close_channel(id, channel); });
    }

    [[nodiscard]] bool handle_packets(std::vector<SctpPacket> packets) {
        std::size_t bytes = 0;
        for (const SctpPacket& packet : packets) {
            bytes += packet.bytes.size();
        }
        return post_traffic(bytes, [packets = std::move(packets)](Loop& loop) {
            for (const SctpPacket& packet : packets) {
                loop.stack_->handle_packet(loop.now_, packet.association, packet.bytes);
            }
        });
    }

    [[nodiscard]] bool send(std::vector<OutgoingMessage> messages) {
        // One message to many shares its bytes.
        const std::size_t bytes = messages.empty() ? 0 : messages.front().message.bytes->size();
        return post_traffic(bytes, [messages = std::move(messages)](Loop& loop) {
            for (const OutgoingMessage& outgoing : messages) {
                loop.stack_->send(outgoing.association, outgoing.message);
            }
        });
    }

    [[nodiscard]] DataThreadCounters counters() {
        DataThreadCounters counters;
        {
            const std::lock_guard lock(published_mutex_);
            counters = published_;
        }
        counters.cpu_seconds = cpu_seconds_of(thread_.native_handle());
        counters.waiting_jobs = control_.size() + traffic_.size();
        counters.waiting_bytes = traffic_bytes_.load(std::memory_order_relaxed);
        counters.jobs_refused = control_.refused() + traffic_.refused() +
                                refused_for_bytes_.load(std::memory_order_relaxed);
        return counters;
    }

  private:
    using Jobs = Mailbox<Loop>;

    [[nodiscard]] bool post(Jobs& mailbox, Jobs::Job job) {
        bool first = false;
        if (!mailbox.push(std::move(job), first)) {
            return false;
        }
        if (first) {
            signal();
        }
        return true;
    }

    [[nodiscard]] bool post_traffic(std::size_t bytes, Jobs::Job job) {
        if (traffic_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > kTrafficBytesMax) {
            traffic_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
            refused_for_bytes_.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        const bool posted = post(traffic_, [bytes, job = std::move(job)](Loop& loop) mutable {
            job(loop);
            loop.traffic_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
        });
        if (!posted) {
            traffic_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
        }
        return posted;
    }

    void signal() {
        const std::uint64_t one = 1;
        // Fails only where the counter is full: then the thread is awake.
        static_cast<void>(::write(wake_.get(), &one, sizeof one));
    }

    void run() {
        // usrsctp belongs to this thread: the stack lives and dies on it.
        DataStack stack(limits_);
        stack_ = &stack;
        while (!stopping_.load(std::memory_order_acquire)) {
            sleep();
            now_ = read_clock();
            control_.drain(*this);
            traffic_.drain(*this);
            stack.handle_timeout(now_);
            collect();
            publish();
            deliver();
        }
        stack_ = nullptr;
    }

    // Before anybody is told of what is counted.
    void publish() {
        const std::lock_guard lock(published_mutex_);
        published_.stack = stack_->counters();
        published_.packets_undelivered = packets_undelivered_;
        published_.messages_undelivered = messages_undelivered_;
    }

    void sleep() {
        pollfd readable{.fd = wake_.get(), .events = POLLIN, .revents = 0};
        Instant until = stack_->next_timeout();
        if (!pending_.empty()) {
            until = std::min(until, now_ + DataStack::kTick);  // refused: try again
        }
        timespec wait{};
        const timespec* limit = nullptr;
        if (until != kNever) {
            wait = to_timespec(until - read_clock());
            limit = &wait;
        }
        const int ready = ::ppoll(&readable, 1, limit, nullptr);
        CHECK(ready >= 0 || errno == EINTR);
        if (ready > 0) {
            std::uint64_t count = 0;
            static_cast<void>(::read(wake_.get(), &count, sizeof count));
        }
    }

    void open_here(std::uint32_t owner,
                   AssociationId id,
                   StreamParity parity,
                   const DataDescription& description) {
        if (const auto opened = stack_->open(now_, id, parity, description); opened) {
            owners_.insert_or_assign(id.value, owner);
        } else if (!owners_.contains(id.value)) {
            pending_[owner].events.push_back(
                {.association = id, .event = AssociationFailed{.reason = FailureReason::kRefused}});
        }
    }

    void close_here(AssociationId id) {
        stack_->close(id);
        collect();  // its last packet still has an owner
        owners_.erase(id.value);
    }

    // Sorts what the stack gave by owner.
    void collect() {
        while (auto packet = stack_->poll_packet()) {
            if (const auto owner = owners_.find(packet->association.value);
                owner != owners_.end()) {
                pending_[owner->second].packets.push_back(*std::move(packet));
            }
        }
        while (auto event = stack_->poll_event()) {
            const AssociationId id = event->association;
            const bool last = std::holds_alternative<AssociationFailed>(event->event);
            if (const auto owner = owners_.find(id.value); owner != owners_.end()) {
                pending_[owner->second].events.push_back(*std::move(event));
            }
            if (last) {
                owners_.erase(id.value);
            }
        }
    }

    void deliver() {
        for (auto entry = pending_.begin(); entry != pending_.end();) {
            DataOutput& output = entry->second;
            if (sink_(entry->first, output)) {
                entry = pending_.erase(entry);
                continue;
            }
            packets_undelivered_ += output.packets.size();
            output.packets.clear();
            if (output.events.size() > kUndeliveredEventsMax) {
                messages_undelivered_ += std::erase_if(output.events, [](const auto& event) {
                    return std::holds_alternative<DataMessage>(event.event);
                });
            }
            entry = output.events.empty() ? pending_.erase(entry) : std::next(entry);
        }
    }

    const DataLimits limits_;
    const Sink sink_;
    transport::FileDescriptor wake_;
    Jobs control_;
    Jobs traffic_;
    std::atomic<std::size_t> traffic_bytes_ = 0;
    std::atomic<std::uint64_t> refused_for_bytes_ = 0;
    std::atomic<bool> stopping_ = false;
    std::mutex published_mutex_;
    DataThreadCounters published_;

    // The data thread's own from here.
    DataStack* stack_ = nullptr;
    Instant now_{};
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> owners_;  // by association
    std::map<std::uint32_t, DataOutput> pending_;                     // by owner
    std::uint64_t packets_undelivered_ = 0;
    std::uint64_t messages_undelivered_ = 0;

    std::jthread thread_;
};

Result<std::unique_ptr<DataThread>> DataThread::start(const DataLimits& limits, Sink sink) {
    transport::FileDescriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) {
        return make_error(ErrorCode::kUnavailable,
                          "No file descriptors are left for the data thread; raise the limit "
                          "(ulimit -n, LimitNOFILE).");
    }
    auto loop = std::make_unique<Loop>(limits, std::move(sink), std::move(wake));
    loop->start();
    return std::unique_ptr<DataThread>(new DataThread(std::move(loop)));
}

DataThread::DataThread(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

DataThread::~DataThread() {
    loop_->stop();
}

bool DataThread::open(std::uint32_t owner,
                      AssociationId id,
                      StreamParity parity,
                      DataDescription description) {
    return loop_->open(owner, id, parity, std::move(description));
}

bool DataThread::close(AssociationId id) {
    return loop_->close(id);
}

bool DataThread::close_channel(AssociationId id, std::uint16_t channel) {
    return loop_->close_channel(id, channel);
}

bool DataThread::handle_packets(std::vector<SctpPacket> packets) {
    return loop_->handle_packets(std::move(packets));
}

bool DataThread::send(std::vector<OutgoingMessage> messages) {
    return loop_->send(std::move(messages));
}

DataThreadCounters DataThread::counters() const {
    return loop_->counters();
}

}  // namespace isthmus::media::data
