// This instance among those on one database: tells the others what concerns nodes that they hold,
// and looks into the database for what concerns those that are here.
//
// It looks once a second, for everything; a hint of another instance makes it look at once, for the
// nodes that the hint names and that are here. So nothing depends on a hint, and however many come,
// one look is under way at a time. Network thread.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/hub/channels/node_channels.h"
#include "tools/hub/instances/bus.h"
#include "tools/hub/instances/hint.h"
#include "tools/hub/tenancy/line_limit.h"
#include "tools/hub/tenancy/work.h"

namespace isthmus::hub {

class OtherInstances {
  public:
    // Runs what it is given later, on the network thread.
    using Post = std::function<void(std::move_only_function<void()>)>;

    // `work` and `channels` outlive it. `instance`: its name, as it stands in the database.
    OtherInstances(Work& work, NodeChannels& channels, std::string instance);

    // Without one nobody is told anything. It outlives this.
    void use_bus(Bus& bus, Post post) {
        bus_ = &bus;
        post_ = std::move(post);
    }

    // With keyring_version(), whenever it was seen.
    void call_on_keyring_version(std::function<void(std::int64_t)> on_keyring_version) {
        on_keyring_version_ = std::move(on_keyring_version);
    }

    // After the commit of what they are about. Those of one turn go out as one message.
    void tell_wake(const std::string& node);
    void tell_recheck(const std::string& node);
    void tell_keys();

    void on_payload(std::string_view payload);

    // Every second.
    void look_around();

    // Messages that were no hints.
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

  private:
    struct Around;
    struct Named;
    struct Home;

    void flush_later();
    void flush();
    void flush(HintKind kind, std::set<std::string>& nodes);

    void on_around(const Around& around);
    // Channels and database disagree about who is here: which ones?
    void compare_home();
    void on_home(const std::vector<Home>& home);
    void look_at_named();
    void on_named(const std::vector<Named>& named);
    void release(const std::string& node, std::int64_t fence);

    Work* work_;
    NodeChannels* channels_;
    std::string instance_;
    std::function<void(std::int64_t)> on_keyring_version_;
    Bus* bus_ = nullptr;
    Post post_;
    // To be told.
    std::set<std::string> wake_;
    std::set<std::string> recheck_;
    bool keys_ = false;
    bool flushing_ = false;
    // To be looked at; all of them are here, so that this is bounded.
    std::set<std::string> named_;
    bool looking_at_named_ = false;
    bool looking_around_ = false;
    bool look_again_ = false;
    std::uint64_t refused_ = 0;
    LineLimit refused_lines_{10};  // a minute
};

}  // namespace isthmus::hub
