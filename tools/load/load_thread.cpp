#include "tools/load/load_thread.h"

#include <algorithm>
#include <array>
#include <utility>

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "media/transport/io/clock.h"
#include "media/transport/peer_transport.h"
#include "media/transport/srtp_unprotect_batch.h"
#include "signaling/whip/media_types.h"
#include "tools/load/signal_clients.h"

namespace isthmus::load {

using media::client::PlainKind;
using media::transport::DatagramKind;
using media::transport::FileDescriptor;
using media::transport::InDatagram;
using media::transport::read_clock;
using media::transport::SrtpIncoming;
using media::transport::SrtpPacketKind;
using media::transport::SrtpSession;

namespace {

// How late a NACK, a report or an ICE check may be.
constexpr Duration kTick = std::chrono::milliseconds(5);
// Batches of one socket before the others have their turn.
constexpr int kBatchesAtOnce = 8;
constexpr std::size_t kMailboxMax = 100'000;
constexpr std::uint64_t kWakeTag = 0;
constexpr std::uint64_t kHttpTag = 1;
constexpr std::uint64_t kSignalTag = std::uint64_t{1} << 20U;
constexpr std::uint64_t kSocketTag = std::uint64_t{1} << 32U;
constexpr int kEvents = 256;

[[nodiscard]] std::uint64_t thread_cpu_ns() {
    timespec time{};
    CHECK(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

// Of that, spent by the kernel for us: as it counts it, by sampling.
[[nodiscard]] std::uint64_t thread_kernel_ns(std::uint64_t cpu_ns) {
    rusage usage{};
    CHECK(::getrusage(RUSAGE_THREAD, &usage) == 0);
    const auto ns_of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
    };
    const double user = ns_of(usage.ru_utime);
    const double kernel = ns_of(usage.ru_stime);
    const double share = user + kernel > 0 ? kernel / (user + kernel) : 0;
    return static_cast<std::uint64_t>(static_cast<double>(cpu_ns) * share);
}

void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    // Where it is refused the run is still good, at the kernel's mercy.
    static_cast<void>(::pthread_setaffinity_np(::pthread_self(), sizeof set, &set));
}

[[nodiscard]] timespec timespec_of(Duration duration) {
    constexpr std::int64_t kNsPerSecond = 1'000'000'000;
    const std::int64_t ns = std::max<std::int64_t>(duration.count(), 0);
    return {.tv_sec = ns / kNsPerSecond, .tv_nsec = ns % kNsPerSecond};
}

[[nodiscard]] media::rtp::NtpClock make_ntp_clock(Instant now) {
    return {now,
            media::rtp::ntp_from_unix(
                std::chrono::nanoseconds(media::transport::read_unix_ns_at(now)))};
}

}  // namespace

class LoadThread::Loop final : private SignalUser {
  public:
    struct Parts {
        FileDescriptor epoll;
        FileDescriptor wake;
        std::unique_ptr<TlsTrust> trust;  // where the node speaks HTTPS
        std::unique_ptr<media::transport::SrtpFanout> fanout;
        std::shared_ptr<const media::transport::DtlsIdentity> identity;
        ClientSockets sockets;
    };

    Loop(LoadThreadConfig config, Parts parts)
        : config_(std::move(config)),
          parts_(std::move(parts)),
          http_({.authority = config_.node,
                 .address = config_.node_address,
                 .connections = config_.options.joins_at_once,
                 .trust = parts_.trust.get()},
                parts_.epoll.get(),
                kHttpTag),
          batch_(*parts_.fanout, parts_.sockets),
          context_{.options = config_.options,
                   .random = random_,
                   .identity = parts_.identity,
                   .fanout = *parts_.fanout,
                   .batch = batch_,
                   .ntp = make_ntp_clock(read_clock()),
                   .recordings = config_.recordings,
                   .durations = durations_},
          signals_({.authority = config_.node,
                    .address = config_.node_address,
                    .trust = parts_.trust.get()},
                   *this,
                   random_,
                   parts_.epoll.get(),
                   kSignalTag),
          mailbox_(kMailboxMax),
          unprotect_(*parts_.fanout) {}

    [[nodiscard]] static Result<Parts> open(const LoadThreadConfig& config);

    void run();

    [[nodiscard]] Mailbox<Loop>& mailbox() { return mailbox_; }

    void wake() const {
        const std::uint64_t one = 1;
        CHECK(::write(parts_.wake.get(), &one, sizeof one) == sizeof one);
    }

    void join(JoinOrder order);
    [[nodiscard]] LoadSample take_sample();
    void stop();

  private:
    // What a batch meant for a client.
    enum class Touch : std::uint8_t { kNone, kMedia, kTransport };

    void handle_event(const epoll_event& event);
    void receive(std::uint64_t tag);
    void handle_batch(Instant now, std::span<const InDatagram> datagrams);
    Touch take(Instant now, std::size_t client, const InDatagram& datagram);
    void handle_timers(Instant now);
    void rearm(std::size_t client);
    void on_answer(Instant now,
                   std::size_t client,
                   Result<http::Response> response,
                   const std::string& token);
    void on_failure(std::size_t client, const std::string& why);
    void join_by_http(std::size_t client, JoinOrder order);

    void on_signaled(std::size_t client) override { rearm(client); }

    void on_signaling_failed(std::size_t client, const std::string& why) override;

    void trickle(std::size_t client, const http::Response& created, const std::string& token);
    [[nodiscard]] Instant next_wake() const;

    LoadThreadConfig config_;
    Parts parts_;
    SystemRandom random_;
    DurationSet durations_;
    HttpClient http_;
    media::client::PacketBatch batch_;
    ParticipantContext context_;
    SignalClients signals_;
    Mailbox<Loop> mailbox_;
    std::vector<std::unique_ptr<Participant>> clients_;
    std::vector<ClientSockets::Client> places_;
    std::vector<Instant> wake_at_;
    std::vector<std::size_t> publishers_;
    media::transport::SrtpUnprotectBatch unprotect_;
    std::vector<SrtpIncoming> incoming_;
    std::vector<std::size_t> incoming_of_;
    std::vector<std::size_t> touched_;
    std::vector<Touch> touch_of_;
    std::chrono::microseconds gather_{config_.options.gather_us};
    Instant tick_at_{};
    bool stopping_ = false;
    std::string last_failure_;
    std::uint64_t trickled_ = 0;
    std::uint64_t trickles_refused_ = 0;
};

Result<LoadThread::Loop::Parts> LoadThread::Loop::open(const LoadThreadConfig& config) {
    FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    FileDescriptor wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWakeTag;
    if (!epoll || !wake || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
        return make_error(ErrorCode::kUnavailable, "the system gives no epoll descriptor");
    }
    auto fanout = media::transport::make_srtp_fanout(media::transport::SrtpEngine::kAuto);
    if (!fanout) {
        return std::unexpected(fanout.error());
    }
    const auto& profiles = config.options.srtp_profiles;
    auto identity = media::transport::DtlsIdentity::make(
        profiles.empty() ? std::span<const media::transport::SrtpProfile>(
                               media::transport::kSrtpProfilesByPreference)
                         : profiles);
    if (!identity) {
        return std::unexpected(identity.error());
    }
    std::unique_ptr<TlsTrust> trust;
    if (config.node.secure) {
        auto made = TlsTrust::make({.certificate_file = config.options.tls_certificate,
                                    .anybody = config.options.tls_any});
        if (!made) {
            return std::unexpected(made.error());
        }
        trust = std::make_unique<TlsTrust>(*std::move(made));
    }
    auto sockets = ClientSockets::open(config.sockets, epoll.get(), kSocketTag);
    if (!sockets) {
        return std::unexpected(sockets.error());
    }
    return Parts{.epoll = std::move(epoll),
                 .wake = std::move(wake),
                 .trust = std::move(trust),
                 .fanout = std::move(*fanout),
                 .identity = std::move(*identity),
                 .sockets = std::move(*sockets)};
}

void LoadThread::Loop::run() {
    if (config_.cpu >= 0) {
        pin(config_.cpu);
    }
    std::array<epoll_event, kEvents> events{};
    while (!stopping_) {
        const timespec timeout = timespec_of(next_wake() - read_clock());
        const int count =
            ::epoll_pwait2(parts_.epoll.get(), events.data(), kEvents, &timeout, nullptr);
        if (count > 0 && gather_.count() > 0) {
            std::this_thread::sleep_for(gather_);
        }
        for (int i = 0; i < count; ++i) {
            handle_event(events[static_cast<std::size_t>(i)]);
        }
        handle_timers(read_clock());
        batch_.flush();
    }
    signals_.leave();
    for (const auto& client : clients_) {
        client->close();
    }
    batch_.flush();
}

void LoadThread::Loop::handle_event(const epoll_event& event) {
    const std::uint64_t tag = event.data.u64;
    if (tag >= kSocketTag) {
        receive(tag);
    } else if (signals_.owns(tag)) {
        signals_.handle_event(read_clock(), tag, event.events);
    } else if (http_.owns(tag)) {
        http_.handle_event(read_clock(), tag, event.events);
    } else {
        std::uint64_t count = 0;
        static_cast<void>(::read(parts_.wake.get(), &count, sizeof count));
        mailbox_.drain(*this);
        http_.work(read_clock());
    }
}

void LoadThread::Loop::receive(std::uint64_t tag) {
    for (int i = 0; i < kBatchesAtOnce; ++i) {
        const auto datagrams = parts_.sockets.receive(tag);
        if (datagrams.empty()) {
            return;
        }
        handle_batch(read_clock(), datagrams);
        if (parts_.sockets.drained(tag)) {
            return;
        }
    }
}

void LoadThread::Loop::handle_batch(Instant now, std::span<const InDatagram> datagrams) {
    for (const InDatagram& datagram : datagrams) {
        const std::size_t client = parts_.sockets.client_of(*datagram.path);
        if (client >= clients_.size()) {
            continue;
        }
        const Touch touch = take(now, client, datagram);
        if (touch_of_[client] == Touch::kNone) {
            touched_.push_back(client);
        }
        touch_of_[client] = std::max(touch_of_[client], touch);
    }
    unprotect_.unprotect(incoming_);
    for (std::size_t i = 0; i < incoming_.size(); ++i) {
        const SrtpIncoming& packet = incoming_[i];
        clients_[incoming_of_[i]]->handle_unprotected(
            now,
            packet.kind == SrtpPacketKind::kRtcp ? PlainKind::kRtcp : PlainKind::kRtp,
            packet.result);
    }
    incoming_.clear();
    incoming_of_.clear();
    for (const std::size_t client : touched_) {
        if (std::exchange(touch_of_[client], Touch::kNone) == Touch::kTransport) {
            clients_[client]->settle(now);
            rearm(client);
        } else {
            // Media only brings wishes forward; what else is due stays due.
            wake_at_[client] = std::min(wake_at_[client], clients_[client]->next_media_timeout());
        }
    }
    touched_.clear();
}

// SRTP waits for the others of its batch.
LoadThread::Loop::Touch LoadThread::Loop::take(Instant now,
                                               std::size_t client,
                                               const InDatagram& datagram) {
    const DatagramKind kind = media::transport::classify(datagram.bytes);
    SrtpSession* const session = clients_[client]->srtp_session();
    if (session == nullptr || (kind != DatagramKind::kRtp && kind != DatagramKind::kRtcp)) {
        clients_[client]->handle_datagram(now, *datagram.path, datagram.bytes);
        return Touch::kTransport;
    }
    incoming_.push_back(
        {.session = session,
         .kind = kind == DatagramKind::kRtcp ? SrtpPacketKind::kRtcp : SrtpPacketKind::kRtp,
         .packet = datagram.bytes});
    incoming_of_.push_back(client);
    return Touch::kMedia;
}

void LoadThread::Loop::rearm(std::size_t client) {
    wake_at_[client] = clients_[client]->next_timeout();
}

void LoadThread::Loop::handle_timers(Instant now) {
    const auto wake_client = [&](std::size_t client) {
        if (now >= wake_at_[client]) {
            const ParticipantState before = clients_[client]->state();
            clients_[client]->handle_timeout(now);
            rearm(client);
            if (before != clients_[client]->state() &&
                clients_[client]->state() == ParticipantState::kFailed) {
                on_failure(client, "the connection failed");
            }
        }
    };
    for (const std::size_t client : publishers_) {
        wake_client(client);
    }
    if (now < tick_at_) {
        return;
    }
    tick_at_ = now + kTick;
    for (std::size_t client = 0; client < clients_.size(); ++client) {
        wake_client(client);
    }
    signals_.handle_timeout(now);
    if (now >= http_.next_timeout()) {
        http_.handle_timeout(now);
    }
}

Instant LoadThread::Loop::next_wake() const {
    Instant next = tick_at_;
    for (const std::size_t client : publishers_) {
        next = std::min(next, wake_at_[client]);
    }
    return next;
}

void LoadThread::Loop::join(JoinOrder order) {
    const std::size_t client = clients_.size();
    auto place = parts_.sockets.add_client();
    if (!place) {
        last_failure_ = place.error().message;
        return;
    }
    places_.push_back(*place);
    clients_.push_back(std::make_unique<Participant>(order.role, order.name, context_));
    wake_at_.push_back(kNever);
    touch_of_.push_back(Touch::kNone);
    if (order.role == ParticipantRole::kPublisher) {
        publishers_.push_back(client);
    }
    if (config_.options.livekit) {
        signals_.join(read_clock(),
                      client,
                      {.options = config_.options,
                       .participant = *clients_[client],
                       .place = *place,
                       .token = order.token});
    } else {
        join_by_http(client, std::move(order));
    }
}

void LoadThread::Loop::join_by_http(std::size_t client, JoinOrder order) {
    http_.request(
        {.method = "POST",
         .target = std::move(order.target),
         .headers = {{"Content-Type", signaling::whip::kSdpType},
                     {"Authorization", "Bearer " + order.token}},
         .body = clients_[client]->make_offer()},
        [this, client](Instant now) { clients_[client]->on_signaling_started(now); },
        [this, client, token = order.token](Instant now, Result<http::Response> response) {
            on_answer(now, client, std::move(response), token);
        });
}

void LoadThread::Loop::on_answer(Instant now,
                                 std::size_t client,
                                 Result<http::Response> response,
                                 const std::string& token) {
    constexpr unsigned kCreated = 201;
    if (!response) {
        on_failure(client, response.error().message);
        return;
    }
    if (response->status != kCreated) {
        on_failure(client,
                   "the node answered " + std::to_string(response->status) + ": " +
                       response->body.substr(0, 300));
        return;
    }
    const ClientSockets::Client& place = places_[client];
    const auto taken = clients_[client]->take_answer(now, response->body, place.local, place.link);
    if (!taken) {
        on_failure(client, taken.error().message);
        return;
    }
    rearm(client);
    if (config_.options.trickle) {
        trickle(client, *response, token);
    }
}

// A refusal is no failure: the node learns where a client is from its checks.
void LoadThread::Loop::trickle(std::size_t client,
                               const http::Response& created,
                               const std::string& token) {
    constexpr unsigned kNoContent = 204;
    const auto value_of = [&created](std::string_view name) {
        const auto found = created.headers.find(name);
        return found == created.headers.end() ? std::string() : found->second;
    };
    HttpRequest request{.method = "PATCH",
                        .target = path_of_location(value_of("Location")),
                        .headers = {{"Content-Type", signaling::whip::kFragmentType},
                                    {"Authorization", "Bearer " + token}},
                        .body = clients_[client]->make_trickle(places_[client].local)};
    if (const std::string tag = value_of("ETag"); !tag.empty()) {
        request.headers.emplace_back("If-Match", tag);
    }
    ++trickled_;
    if (request.target.empty()) {
        ++trickles_refused_;
        return;
    }
    http_.request(std::move(request), {}, [this](Instant, const Result<http::Response>& response) {
        trickles_refused_ += response && response->status == kNoContent ? 0 : 1;
    });
}

void LoadThread::Loop::on_signaling_failed(std::size_t client, const std::string& why) {
    on_failure(client, why);
    rearm(client);
}

void LoadThread::Loop::on_failure(std::size_t client, const std::string& why) {
    clients_[client]->fail();
    last_failure_ = clients_[client]->name() + ": " + why;
}

LoadSample LoadThread::Loop::take_sample() {
    LoadSample sample;
    const Instant now = read_clock();
    for (const auto& client : clients_) {
        ++sample.participants.started;
        switch (client->state()) {
            case ParticipantState::kWaiting:
            case ParticipantState::kSignaling:
                ++sample.participants.signaling;
                break;
            case ParticipantState::kConnecting:
                ++sample.participants.connecting;
                break;
            case ParticipantState::kConnected:
                ++sample.participants.connected;
                sample.participants.receiving += client->has_media() ? 1 : 0;
                break;
            case ParticipantState::kFailed:
            case ParticipantState::kClosed:
                ++sample.participants.failed;
                break;
        }
        client->add_counts(now, sample.media);
        client->add_jitter(now, durations_.jitter);
    }
    sample.participants.tracks = signals_.tracks_named();
    sample.durations = std::exchange(durations_, {});
    const auto counters = parts_.sockets.receive_counters();
    sample.receive_calls = counters.calls;
    sample.socket_drops = counters.kernel_drops;
    sample.send_drops = parts_.sockets.send_drops();
    sample.last_failure = last_failure_;
    sample.trickled = trickled_;
    sample.trickles_refused = trickles_refused_;
    sample.cpu_ns = thread_cpu_ns();
    sample.kernel_ns = thread_kernel_ns(sample.cpu_ns);
    return sample;
}

void LoadThread::Loop::stop() {
    stopping_ = true;
}

Result<std::unique_ptr<LoadThread>> LoadThread::start(LoadThreadConfig config) {
    auto parts = Loop::open(config);
    if (!parts) {
        return std::unexpected(parts.error());
    }
    auto loop = std::make_unique<Loop>(std::move(config), std::move(*parts));
    return std::unique_ptr<LoadThread>(new LoadThread(std::move(loop)));
}

LoadThread::LoadThread(std::unique_ptr<Loop> loop)
    : loop_(std::move(loop)), thread_([this] { loop_->run(); }) {
    ::pthread_setname_np(thread_.native_handle(), "load");
}

LoadThread::~LoadThread() {
    stop();
}

void LoadThread::post(Mailbox<Loop>::Job job) {
    bool wake = false;
    CHECK(loop_->mailbox().push(std::move(job), wake));
    if (wake) {
        loop_->wake();
    }
}

void LoadThread::join(JoinOrder order) {
    post([order = std::move(order)](Loop& loop) mutable { loop.join(std::move(order)); });
}

LoadSample LoadThread::take_sample() {
    std::promise<LoadSample> promise;
    auto future = promise.get_future();
    post([&promise](Loop& loop) { promise.set_value(loop.take_sample()); });
    return future.get();
}

void LoadThread::stop() {
    if (thread_.joinable()) {
        post([](Loop& loop) { loop.stop(); });
        thread_.join();
    }
}

}  // namespace isthmus::load
