#include "tools/hub/nats/nats_bus.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iterator>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <nats/nats.h>
#include <spdlog/fmt/fmt.h>

#include "base/log.h"
#include "tools/hub/instances/hint.h"
#include "tools/hub/nats/nkey.h"
#include "tools/hub/tenancy/line_limit.h"

namespace isthmus::hub {
namespace {

constexpr std::int64_t kConnectMs = 2000;
constexpr std::int64_t kWriteMs = 2000;
// A server that fell silent is noticed after two of them.
constexpr std::int64_t kPingMs = 5000;
// Between two attempts at one server.
constexpr std::int64_t kReconnectWaitMs = 1000;
constexpr std::int64_t kReconnectJitterMs = 500;
constexpr auto kRetryPause = std::chrono::seconds(2);
constexpr auto kCloseWait = std::chrono::seconds(5);
constexpr std::size_t kOutgoingMax = 1024;
constexpr std::size_t kIncomingMax = 256;  // handed to the network thread and not taken yet
constexpr int kPendingMessagesMax = 1024;  // within the library
constexpr int kPendingBytesMax = 8 * 1024 * 1024;

struct OptionsDeleter {
    void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

using OptionsPtr = std::unique_ptr<natsOptions, OptionsDeleter>;

std::string last_error(natsStatus status) {
    const char* more = nats_GetLastError(nullptr);
    const std::string_view text = natsStatus_GetText(status);
    return more != nullptr && *more != '\0' ? fmt::format("{}: {}", text, more) : std::string(text);
}

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

Result<std::string> read_seed_key(const std::filesystem::path& file) {
    std::ifstream in(file);
    const std::string seed((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    auto key = user_key_of_seed(seed);
    return key ? key : make_error(key.error().code, file.string() + ": " + key.error().message);
}

// Steps that a failure ends.
class Steps {
  public:
    void operator()(natsStatus status) {
        if (status_ == NATS_OK && status != NATS_OK) {
            status_ = status;
            text_ = last_error(status);
        }
    }

    [[nodiscard]] bool good() const { return status_ == NATS_OK; }

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    natsStatus status_ = NATS_OK;
    std::string text_;
};

}  // namespace

// What the threads share. The library calls back from threads of its own until a connection's
// closed_ and read_out_ came, which drop_connection() waits for.
class NatsBus::Link : public std::enable_shared_from_this<Link> {
  public:
    Link(NatsOptions options, std::string instance, std::string nkey, BusUser user)
        : options_(std::move(options)),
          instance_(std::move(instance)),
          nkey_(std::move(nkey)),
          user_(std::move(user)) {}

    void start() {
        thread_ = std::thread([this] { run(); });
    }

    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    void publish(std::string payload) {
        const std::lock_guard lock(mutex_);
        if (!connected_ || outgoing_.size() >= kOutgoingMax) {
            ++figures_.dropped;
            return;
        }
        outgoing_.push_back(std::move(payload));
        wake_.notify_all();
    }

    [[nodiscard]] BusFigures figures() const {
        const std::lock_guard lock(mutex_);
        BusFigures out = figures_;
        out.connected = connected_;
        return out;
    }

  private:
    // --- the thread ------------------------------------------------------------------------------

    void run() {
        while (true) {
            if (connection_ == nullptr && !connect()) {
                std::unique_lock lock(mutex_);
                if (wake_.wait_for(lock, kRetryPause, [this] { return stopping_; })) {
                    return;
                }
                continue;
            }
            std::deque<std::string> batch;
            bool ended = false;
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [this] { return stopping_ || closed_ || !outgoing_.empty(); });
                batch.swap(outgoing_);
                ended = stopping_ || closed_;
            }
            write(batch);
            if (ended) {
                drop_connection();
            }
            const std::lock_guard lock(mutex_);
            if (stopping_) {
                return;
            }
        }
    }

    void write(const std::deque<std::string>& batch) {
        std::uint64_t published = 0;
        for (const std::string& payload : batch) {
            const natsStatus status = natsConnection_Publish(connection_,
                                                             options_.subject.c_str(),
                                                             payload.data(),
                                                             static_cast<int>(payload.size()));
            published += status == NATS_OK ? 1 : 0;
        }
        const std::lock_guard lock(mutex_);
        figures_.published += published;
        figures_.dropped += batch.size() - published;
    }

    bool connect() {
        std::string fault;
        const OptionsPtr options = make_options(fault);
        {
            const std::lock_guard lock(mutex_);
            closed_ = false;
            read_out_ = true;
        }
        const natsStatus status =
            options ? natsConnection_Connect(&connection_, options.get()) : NATS_ERR;
        if (status != NATS_OK) {
            connection_ = nullptr;
            complain(options ? last_error(status) : fault);
            return false;
        }
        if (!subscribe(fault)) {
            complain(fault);
            drop_connection();
            return false;
        }
        note_status(connection_);
        log::info("hub", "NATS: connected to {}", server());
        const std::lock_guard lock(mutex_);
        figures_.reconnects += std::exchange(was_connected_, true) ? 1 : 0;
        return true;
    }

    OptionsPtr make_options(std::string& fault) {
        natsOptions* made = nullptr;
        Steps step;
        step(natsOptions_Create(&made));
        OptionsPtr options(made);
        if (!options) {
            fault = step.text();
            return nullptr;
        }
        std::vector<const char*> servers;
        servers.reserve(options_.servers.size());
        for (const std::string& server : options_.servers) {
            servers.push_back(server.c_str());
        }
        step(natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size())));
        step(natsOptions_SetName(made, fmt::format("isthmus-hub {}", instance_).c_str()));
        step(natsOptions_SetTimeout(made, kConnectMs));
        step(natsOptions_SetWriteDeadline(made, kWriteMs));
        step(natsOptions_SetPingInterval(made, kPingMs));
        step(natsOptions_SetMaxPingsOut(made, 2));
        step(natsOptions_SetMaxReconnect(made, std::numeric_limits<int>::max()));
        step(natsOptions_SetReconnectWait(made, kReconnectWaitMs));
        step(natsOptions_SetReconnectJitter(made, kReconnectJitterMs, kReconnectJitterMs));
        step(natsOptions_SetNoEcho(made, true));
        step(natsOptions_SetSendAsap(made, true));
        step(natsOptions_SetMaxPendingMsgs(made, kPendingMessagesMax));
        step(natsOptions_SetDisconnectedCB(made, on_disconnected, this));
        step(natsOptions_SetReconnectedCB(made, on_reconnected, this));
        step(natsOptions_SetClosedCB(made, on_closed, this));
        step(natsOptions_SetErrorHandler(made, on_error, this));
        add_identity(made, step);
        add_tls(made, step);
        fault = step.text();
        return step.good() ? std::move(options) : nullptr;
    }

    void add_identity(natsOptions* options, Steps& step) const {
        if (!options_.user.empty()) {
            step(
                natsOptions_SetUserInfo(options, options_.user.c_str(), options_.password.c_str()));
        }
        if (!options_.credentials.empty()) {
            step(natsOptions_SetUserCredentialsFromFiles(
                options, options_.credentials.c_str(), nullptr));
        }
        if (!nkey_.empty()) {
            step(natsOptions_SetNKeyFromSeed(options, nkey_.c_str(), options_.nkey.c_str()));
        }
    }

    void add_tls(natsOptions* options, Steps& step) const {
        if (!options_.wants_tls()) {
            return;
        }
        step(natsOptions_SetSecure(options, true));
        if (!options_.ca.empty()) {
            step(natsOptions_LoadCATrustedCertificates(options, options_.ca.c_str()));
        }
        if (!options_.certificate.empty()) {
            step(natsOptions_LoadCertificatesChain(
                options, options_.certificate.c_str(), options_.key.c_str()));
        }
    }

    bool subscribe(std::string& fault) {
        Steps step;
        step(natsConnection_Subscribe(
            &subscription_, connection_, options_.subject.c_str(), on_message, this));
        if (!step.good()) {
            subscription_ = nullptr;
            fault = step.text();
            return false;
        }
        step(natsSubscription_SetPendingLimits(
            subscription_, kPendingMessagesMax, kPendingBytesMax));
        step(natsSubscription_SetOnCompleteCB(subscription_, on_read_out, this));
        if (step.good()) {
            const std::lock_guard lock(mutex_);
            read_out_ = false;
        }
        step(natsConnection_FlushTimeout(connection_, kConnectMs));
        fault = step.text();
        return step.good();
    }

    void drop_connection() {
        connected_ = false;
        natsConnection_Close(connection_);
        {
            std::unique_lock lock(mutex_);
            if (!wake_.wait_for(lock, kCloseWait, [this] { return closed_ && read_out_; })) {
                log::error("hub", "NATS: the library does not let go of a connection");
            }
            outgoing_.clear();
        }
        natsSubscription_Destroy(std::exchange(subscription_, nullptr));
        natsConnection_Destroy(std::exchange(connection_, nullptr));
    }

    // Only the thread may: the connection is its.
    [[nodiscard]] std::string server() const {
        std::array<char, 256> url{};
        natsConnection_GetConnectedUrl(connection_, url.data(), url.size());
        return shown_server(url.data());
    }

    void complain(const std::string& what) {
        const std::lock_guard lock(lines_mutex_);
        if (lines_.take(now_ms())) {
            log::warning("hub", "NATS: {}", what);
        }
    }

    // --- the library's threads -------------------------------------------------------------------

    static void on_disconnected(natsConnection* connection, void* self) {
        auto& link = *static_cast<Link*>(self);
        link.note_status(connection);
        link.complain(
            "the connection is lost; until there is another, instances look into the database "
            "once a second");
    }

    static void on_reconnected(natsConnection* connection, void* self) {
        auto& link = *static_cast<Link*>(self);
        link.note_status(connection);
        link.complain("connected again");
        const std::lock_guard lock(link.mutex_);
        ++link.figures_.reconnects;
    }

    static void on_closed(natsConnection* /*connection*/, void* self) {
        auto& link = *static_cast<Link*>(self);
        link.connected_ = false;
        const std::lock_guard lock(link.mutex_);
        link.closed_ = true;
        link.wake_.notify_all();
    }

    static void on_read_out(void* self) {
        auto& link = *static_cast<Link*>(self);
        const std::lock_guard lock(link.mutex_);
        link.read_out_ = true;
        link.wake_.notify_all();
    }

    static void on_error(natsConnection* connection,
                         natsSubscription* /*subscription*/,
                         natsStatus status,
                         void* self) {
        const char* more = nullptr;
        natsConnection_GetLastError(connection, &more);
        static_cast<Link*>(self)->complain(
            fmt::format("{} {}", natsStatus_GetText(status), more != nullptr ? more : ""));
    }

    static void on_message(natsConnection* /*connection*/,
                           natsSubscription* /*subscription*/,
                           natsMsg* message,
                           void* self) {
        // One byte more than a hint may have is enough to know that it is none.
        const auto size =
            std::min(static_cast<std::size_t>(natsMsg_GetDataLength(message)), kHintBytesMax + 1);
        std::string payload(natsMsg_GetData(message), size);
        natsMsg_Destroy(message);
        static_cast<Link*>(self)->take_in(std::move(payload));
    }

    void take_in(std::string payload) {
        {
            const std::lock_guard lock(mutex_);
            ++figures_.received;
            if (incoming_ >= kIncomingMax) {
                ++figures_.dropped;
                return;
            }
            ++incoming_;
        }
        user_.post([held = shared_from_this(), payload = std::move(payload)] {
            {
                const std::lock_guard lock(held->mutex_);
                --held->incoming_;
                if (held->stopping_) {
                    return;
                }
            }
            held->user_.on_payload(payload);
        });
    }

    void note_status(natsConnection* connection) {
        // One at a time, so that the last one to look is the last one to write.
        const std::lock_guard lock(status_mutex_);
        connected_ = natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED;
    }

    const NatsOptions options_;
    const std::string instance_;
    const std::string nkey_;  // public; empty without a seed
    const BusUser user_;
    natsConnection* connection_ = nullptr;  // the thread's
    natsSubscription* subscription_ = nullptr;
    bool was_connected_ = false;
    std::thread thread_;

    std::mutex status_mutex_;
    std::atomic<bool> connected_ = false;
    std::mutex lines_mutex_;
    LineLimit lines_{10};  // a minute

    mutable std::mutex mutex_;  // of what follows
    std::condition_variable wake_;
    std::deque<std::string> outgoing_;
    std::size_t incoming_ = 0;
    bool stopping_ = false;
    bool closed_ = false;
    bool read_out_ = true;
    BusFigures figures_;
};

Result<std::unique_ptr<Bus>> NatsBus::start(NatsOptions options,
                                            const std::string& instance,
                                            BusUser user) {
    if (const auto good = check_nats_options(options); !good) {
        return std::unexpected(good.error());
    }
    std::string nkey;
    if (!options.nkey.empty()) {
        auto key = read_seed_key(options.nkey);
        if (!key) {
            return std::unexpected(key.error());
        }
        nkey = std::move(*key);
    }
    auto link =
        std::make_shared<Link>(std::move(options), instance, std::move(nkey), std::move(user));
    link->start();
    return std::unique_ptr<Bus>(new NatsBus(std::move(link)));
}

NatsBus::~NatsBus() {
    link_->stop();
}

void NatsBus::publish(std::string payload) {
    link_->publish(std::move(payload));
}

BusFigures NatsBus::figures() const {
    return link_->figures();
}

BusMaker nats_bus(NatsOptions options) {
    return [options = std::move(options)](const std::string& instance, const BusUser& user) {
        return NatsBus::start(options, instance, user);
    };
}

}  // namespace isthmus::hub
