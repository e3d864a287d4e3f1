#include "media/worker/io/worker_thread.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <deque>
#include <thread>
#include <utility>

#include <pthread.h>
#include <spdlog/fmt/fmt.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "media/transport/io/clock.h"
#include "media/transport/io/file_descriptor.h"
#include "media/worker/load_meter.h"

namespace isthmus::media {
namespace {

using transport::InDatagram;
using transport::read_clock;

// Rounds of reading all sockets before timers and jobs get their turn again.
constexpr int kReadRounds = 4;
// Senders put the packets of a frame on the line one after the other. Measured with 400 receivers:
// a frame of eight came in as one and seven, which costs twice the messages.
constexpr Duration kGather = std::chrono::microseconds(150);
constexpr std::size_t kGatherParticipants = 50;
// Where the sockets were readable before the thread lay down, what came in had time to gather while
// the last batch was dealt with.
constexpr Duration kAsleep = std::chrono::microseconds(20);

// What the calling thread has used.
Duration thread_cpu() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    const auto duration = [](const timeval& time) -> Duration {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    return duration(usage.ru_utime) + duration(usage.ru_stime);
}

timespec to_timespec(Duration duration) {
    const auto ns = std::max<std::int64_t>(0, duration.count());
    return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

}  // namespace

class WorkerThread::Loop {
  public:
    Loop(const WorkerThreadConfig& config,
         std::unique_ptr<WorkerSockets> sockets,
         std::unique_ptr<transport::SrtpFanout> fanout,
         std::shared_ptr<WorkerGroup> group,
         WorkerListeners listeners)
        : group_(std::move(group)),
          index_(config.index),
          door_(*group_->doors.at(config.index)),
          sockets_(std::move(sockets)),
          fanout_(std::move(fanout)),
          listeners_(std::move(listeners)),
          core_({.index = config.index,
                 .limits = config.limits,
                 .transport_limits = {},
                 .candidates = sockets_->candidates(),
                 .identity = config.identity,
                 .unix_ns_at_zero = transport::read_unix_ns_at_zero(),
                 .rings = group_->doors.size() > 1 ? &group_->rings : nullptr},
                random_,
                *fanout_) {}

    Result<void> prepare() {
        epoll_ = transport::FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
        if (epoll_.get() < 0) {
            return make_error(ErrorCode::kUnavailable,
                              "No file descriptors are left for a media worker; raise the limit "
                              "(ulimit -n, LimitNOFILE).");
        }
        watch(door_.fd());
        for (const transport::UdpBatchSocket& socket : sockets_->udp()) {
            watch(socket.fd());
        }
        for (const transport::TcpAcceptor& acceptor : sockets_->tcp()) {
            watch(acceptor.fd());
        }
        return {};
    }

    void start(std::optional<std::uint32_t> cpu, std::uint32_t index) {
        thread_ = std::jthread([this] { run(); });
        pthread_setname_np(thread_.native_handle(), fmt::format("media-{}", index).c_str());
        if (cpu) {
            cpu_set_t set;
            CPU_ZERO(&set);
            CPU_SET(*cpu, &set);
            if (pthread_setaffinity_np(thread_.native_handle(), sizeof set, &set) != 0) {
                log::warning("worker", "worker {} cannot be kept on core {}", index, *cpu);
            }
        }
    }

    void stop() {
        stopping_.store(true, std::memory_order_release);
        door_.close();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    bool post(Job job) { return door_.post(std::move(job)); }

    [[nodiscard]] std::size_t jobs() const { return door_.jobs(); }

    [[nodiscard]] LoadReading load() const { return door_.load(); }

    [[nodiscard]] const WorkerSockets& sockets() const { return *sockets_; }

  private:
    void watch(int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
    }

    void run() {
        // The kernel's default lets a sleep last 50 us longer.
        prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
        while (!stopping_.load(std::memory_order_acquire)) {
            sleep();
            Instant now = read_clock();
            sockets_->set_now(now);
            for (int round = 0; round < kReadRounds && read_sockets(now); ++round) {
                now = read_clock();
                sockets_->set_now(now);
            }
            for (int round = 0; round < kReadRounds && core_.handle_relay_packets(now, *sockets_);
                 ++round) {
                now = read_clock();
                sockets_->set_now(now);
            }
            run_jobs(now);
            core_.handle_timeout(now, *sockets_);
            drain_relay();
            for (transport::TcpAcceptor& acceptor : sockets_->tcp()) {
                acceptor.handle_timeout(now);
            }
            drain_data();
            tell_listeners();
            measure_load(now);
        }
    }

    // A packet that the data thread does not take is lost, as on any line.
    void drain_data() {
        DataWork work = core_.take_data_work();
        if (work.empty()) {
            return;
        }
        data::DataThread& data = *group_->data;
        bool taken = true;
        for (DataWork::Opening& opening : work.opens) {
            taken &= data.open(index_, opening.id, opening.parity, std::move(opening.description));
        }
        if (!work.packets.empty()) {
            static_cast<void>(data.handle_packets(std::move(work.packets)));
        }
        for (const data::AssociationId closing : work.closes) {
            taken &= data.close(closing);
        }
        if (!taken) {
            log::warning("worker", "the data thread takes no more requests");
        }
    }

    void tell_listeners() {
        if (auto events = core_.take_events(); !events.empty()) {
            listeners_.on_events(std::move(events));
        }
        while (auto gone = core_.poll_gone()) {
            listeners_.on_gone(*std::move(gone));
        }
    }

    void measure_load(Instant now) {
        const auto totals = [this] {
            const WorkerActivity activity = core_.take_activity();
            return LoadMeter::Totals{
                .cpu = thread_cpu(), .packets = activity.packets, .loading = activity.loading};
        };
        if (load_meter_.poll(now, core_.participant_count(), totals)) {
            door_.publish_load(load_meter_.reading());
        }
    }

    // With many receivers a batch costs by the receiver, not by the packet: lets the rest of a
    // frame come in before the first of its packets is dealt with.
    void gather() const {
        if (core_.participant_count() >= kGatherParticipants) {
            const timespec wait = to_timespec(kGather);
            static_cast<void>(::nanosleep(&wait, nullptr));
        }
    }

    // Until something is readable or a timer is due.
    void sleep() {
        Instant until = std::min(core_.next_timeout(), load_meter_.next_timeout());
        for (const transport::TcpAcceptor& acceptor : sockets_->tcp()) {
            until = std::min(until, acceptor.next_timeout());
        }
        door_.before_sleep();
        if (core_.relay().has_packets()) {
            until = Instant{};
        }
        std::array<epoll_event, 16> events{};
        timespec wait{};
        const timespec* limit = nullptr;
        const Instant lay_down = read_clock();
        if (until != kNever) {
            wait = to_timespec(until - lay_down);
            limit = &wait;
        }
        const int ready = epoll_pwait2(
            epoll_.get(), events.data(), static_cast<int>(events.size()), limit, nullptr);
        CHECK(ready >= 0 || errno == EINTR);
        door_.after_sleep();
        for (int i = 0; i < ready; ++i) {
            if (events[static_cast<std::size_t>(i)].data.fd == door_.fd()) {
                std::uint64_t count = 0;
                static_cast<void>(::read(door_.fd(), &count, sizeof count));
            }
        }
        if (ready > 0 && read_clock() - lay_down >= kAsleep) {
            gather();
        }
    }

    // Whether there was anything.
    bool read_sockets(Instant now) {
        bool any = false;
        for (transport::UdpBatchSocket& socket : sockets_->udp()) {
            any |= handle(now, socket.receive());
        }
        for (transport::TcpAcceptor& acceptor : sockets_->tcp()) {
            any |= handle(now, acceptor.receive(now));
            while (const auto path = acceptor.poll_closed()) {
                core_.handle_path_closed(now, *path);
            }
        }
        return any;
    }

    bool handle(Instant now, std::span<const InDatagram> datagrams) {
        const bool any = !datagrams.empty();
        while (!datagrams.empty()) {
            const auto batch = datagrams.first(std::min(datagrams.size(), WorkerCore::kBatchMax));
            core_.take_in(now, batch, *sockets_);
            // Other workers' viewers are not to wait until all of this one's were served.
            publish_relay();
            core_.forward(now, *sockets_);
            datagrams = datagrams.subspan(batch.size());
        }
        return any;
    }

    void run_jobs(Instant now) {
        WorkerContext context{.core = core_, .sink = *sockets_, .sockets = *sockets_, .now = now};
        door_.run_jobs(context);
    }

    // What other workers are to be told, and what was written for them.
    void drain_relay() {
        while (auto envelope = core_.relay().poll_message()) {
            undelivered_.emplace_back(envelope->to,
                                      [from = index_, message = std::move(envelope->message)](
                                          WorkerContext& context) mutable {
                                          context.core.handle_relay_message(
                                              context.now, from, std::move(message), context.sink);
                                      });
        }
        // In order, whatever happens: one that finds the mailbox full is tried again after the next
        // packet or timer.
        while (!undelivered_.empty() && group_->doors[undelivered_.front().first]->post(
                                            std::move(undelivered_.front().second))) {
            undelivered_.pop_front();
        }
        publish_relay();
    }

    void publish_relay() {
        core_.relay().publish([this](std::uint32_t peer) { group_->doors[peer]->wake(); });
    }

    std::shared_ptr<WorkerGroup> group_;
    std::uint32_t index_;
    WorkerDoor& door_;
    SystemRandom random_;
    std::unique_ptr<WorkerSockets> sockets_;
    std::unique_ptr<transport::SrtpFanout> fanout_;
    WorkerListeners listeners_;
    WorkerCore core_;
    LoadMeter load_meter_;
    std::deque<std::pair<std::uint32_t, Job>> undelivered_;
    transport::FileDescriptor epoll_;
    std::atomic<bool> stopping_ = false;
    std::jthread thread_;
};

Result<std::unique_ptr<WorkerThread>> WorkerThread::start(const WorkerThreadConfig& config,
                                                          std::shared_ptr<WorkerGroup> group,
                                                          WorkerListeners listeners) {
    auto sockets = WorkerSockets::open(config.sockets);
    if (!sockets) {
        return std::unexpected(sockets.error());
    }
    auto fanout = transport::make_srtp_fanout(config.srtp_engine);
    if (!fanout) {
        return std::unexpected(fanout.error());
    }
    auto loop = std::make_unique<Loop>(
        config, *std::move(sockets), *std::move(fanout), std::move(group), std::move(listeners));
    if (const auto prepared = loop->prepare(); !prepared) {
        return std::unexpected(prepared.error());
    }
    loop->start(config.cpu, config.index);
    return std::unique_ptr<WorkerThread>(new WorkerThread(std::move(loop)));
}

WorkerThread::WorkerThread(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

WorkerThread::~WorkerThread() {
    loop_->stop();
}

bool WorkerThread::post(Job job) {
    return loop_->post(std::move(job));
}

std::size_t WorkerThread::jobs() const {
    return loop_->jobs();
}

LoadReading WorkerThread::load() const {
    return loop_->load();
}

std::uint16_t WorkerThread::port() const {
    return loop_->sockets().port();
}

const std::vector<std::string>& WorkerThread::warnings() const {
    return loop_->sockets().warnings();
}

double thread_cpu_seconds() {
    return std::chrono::duration<double>(thread_cpu()).count();
}

}  // namespace isthmus::media
