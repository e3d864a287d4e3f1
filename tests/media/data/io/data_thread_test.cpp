// The data thread with real time, for the sanitizers' eyes most of all. Owner 0 has the clients,
// owner 1 the node's side; each hands the other's packets back to the same thread.
#include "media/data/io/data_thread.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::media::data {
namespace {

using ::testing::SizeIs;

constexpr std::uint32_t kClients = 0;
constexpr std::uint32_t kNodes = 1;

AssociationId client(std::uint64_t i) {
    return {2 * i};
}

AssociationId node(std::uint64_t i) {
    return {2 * i + 1};
}

AssociationId other_end(AssociationId id) {
    return {id.value ^ 1U};
}

class DataThreadTest : public ::testing::Test {
  protected:
    void start(const DataLimits& limits = {}) {
        auto started = DataThread::start(limits, [this](std::uint32_t owner, DataOutput& output) {
            return take(owner, output);
        });
        ASSERT_TRUE(started.has_value());
        thread_ = *std::move(started);
    }

    void open_pair(std::uint64_t i) {
        ASSERT_TRUE(thread_->open(
            kClients, client(i), StreamParity::kEven, {.opens = {{.label = "chat"}}}));
        ASSERT_TRUE(thread_->open(kNodes, node(i), StreamParity::kOdd, {}));
    }

    // On the data thread.
    bool take(std::uint32_t owner, DataOutput& output) {
        if (refusing_) {
            return false;
        }
        for (SctpPacket& packet : output.packets) {
            packet.association = other_end(packet.association);
        }
        if (!output.packets.empty()) {
            // Refused once the thread is ending.
            static_cast<void>(thread_->handle_packets(std::move(output.packets)));
        }
        const std::lock_guard lock(mutex_);
        for (AssociationEvent& event : output.events) {
            EXPECT_EQ(owner, event.association.value % 2 == 0 ? kClients : kNodes);
            events_.push_back(std::move(event));
        }
        changed_.notify_all();
        return true;
    }

    template <typename T>
    [[nodiscard]] std::size_t count_locked(std::uint32_t owner) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(events_, [owner](const AssociationEvent& event) {
                return event.association.value % 2 == owner &&
                       std::holds_alternative<T>(event.event);
            }));
    }

    template <typename T>
    void wait_for(std::uint32_t owner, std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return count_locked<T>(owner) >= count; });
    }

    [[nodiscard]] DataThreadCounters counters() const { return thread_->counters(); }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<AssociationEvent> events_;
    std::atomic<bool> refusing_ = false;
    std::unique_ptr<DataThread> thread_;
};

OutgoingMessage message_to(AssociationId id, std::size_t bytes) {
    return {.association = id,
            .message = {.channel = 0,
                        .binary = true,
                        .bytes = std::make_shared<const std::vector<std::byte>>(bytes)}};
}

TEST_F(DataThreadTest, CarriesMessagesBetweenOwners) {
    start();
    for (std::uint64_t i = 0; i < 20; ++i) {
        open_pair(i);
    }
    wait_for<ChannelOpened>(kNodes, 20);
    wait_for<ChannelOpened>(kClients, 20);
    std::vector<OutgoingMessage> messages;
    for (std::uint64_t i = 0; i < 20; ++i) {
        messages.push_back(message_to(node(i), 5000));
        ASSERT_TRUE(thread_->send({message_to(client(i), 20)}));
    }
    ASSERT_TRUE(thread_->send(std::move(messages)));
    wait_for<DataMessage>(kNodes, 20);
    wait_for<DataMessage>(kClients, 20);
    EXPECT_EQ(counters().stack.associations, 40U);
    EXPECT_EQ(counters().stack.messages_received, 40U);
    EXPECT_GT(counters().cpu_seconds, 0);
}

TEST_F(DataThreadTest, ClosingTellsTheOtherEnd) {
    start();
    open_pair(0);
    wait_for<ChannelOpened>(kClients, 1);
    ASSERT_TRUE(thread_->close_channel(node(0), 0));
    wait_for<ChannelClosed>(kClients, 1);
    ASSERT_TRUE(thread_->close(client(0)));
    wait_for<AssociationFailed>(kNodes, 1);
    EXPECT_EQ(counters().stack.associations, 0U);
}

TEST_F(DataThreadTest, AnAssociationTooManyFailsAtOnce) {
    start({.associations_max = 2});
    open_pair(0);
    open_pair(1);
    wait_for<AssociationFailed>(kClients, 1);
    wait_for<AssociationFailed>(kNodes, 1);
    const std::lock_guard lock(mutex_);
    for (const AssociationEvent& event : events_) {
        if (const auto* failed = std::get_if<AssociationFailed>(&event.event)) {
            EXPECT_EQ(failed->reason, FailureReason::kRefused);
        }
    }
}

// The owner's mailbox is full for a while: events come when it has room, and what was lost with it
// SCTP sends again.
TEST_F(DataThreadTest, AnOwnerThatTakesNothingIsToldLater) {
    start();
    open_pair(0);
    wait_for<ChannelOpened>(kClients, 1);
    refusing_ = true;
    ASSERT_TRUE(thread_->send({message_to(node(0), 20)}));
    while (counters().packets_undelivered == 0) {
    }
    ASSERT_TRUE(thread_->open(kNodes, node(0), StreamParity::kOdd, {}));  // is open: ignored
    refusing_ = false;
    wait_for<DataMessage>(kClients, 1);
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(count_locked<AssociationFailed>(kNodes), 0U);
}

TEST_F(DataThreadTest, AFloodIsRefusedAndControlIsNot) {
    start();
    const std::size_t bytes = 1024UL * 1024;
    std::size_t refused = 0;
    // The bytes are shared, and wait nowhere: the receivers do not exist.
    for (int i = 0; i < 10'000 && refused == 0; ++i) {
        refused += thread_->send({message_to(node(9), bytes)}) ? 0 : 1;
    }
    open_pair(0);
    wait_for<ChannelOpened>(kClients, 1);
    EXPECT_EQ(counters().jobs_refused, refused);
}

}  // namespace
}  // namespace isthmus::media::data
