#include "tools/hub/instances/other_instances.h"

#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "base/log.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/fleet/nodes.h"

namespace isthmus::hub {
namespace {

// Of one look: the statement stays short, and others get their turn at the database in between.
constexpr std::size_t kNamedMax = 256;

constexpr std::string_view kElsewhere = "the node has another channel now";

std::string marks(std::size_t count) {
    std::string out = "?";
    for (std::size_t i = 1; i < count; ++i) {
        out += ", ?";
    }
    return out;
}

}  // namespace

// What the database says of all nodes that are at home here.
struct OtherInstances::Around {
    std::vector<std::string> wake;
    ChannelCensus census;
    std::int64_t keyring_version = 0;
};

// A node as the database has it.
struct OtherInstances::Named {
    std::string id;
    std::optional<std::int64_t> fence;  // nothing: it is not there, or revoked
    bool revoked = false;
    bool waiting = false;  // a command, for it
};

struct OtherInstances::Home {
    std::string id;
    std::int64_t fence = 0;
};

OtherInstances::OtherInstances(Work& work, NodeChannels& channels, std::string instance)
    : work_(&work), channels_(&channels), instance_(std::move(instance)) {}

// --- to the others -------------------------------------------------------------------------------

void OtherInstances::tell_wake(const std::string& node) {
    if (bus_ != nullptr) {
        wake_.insert(node);
        flush_later();
    }
}

void OtherInstances::tell_recheck(const std::string& node) {
    if (bus_ != nullptr) {
        recheck_.insert(node);
        flush_later();
    }
}

void OtherInstances::tell_keys() {
    if (bus_ != nullptr) {
        keys_ = true;
        flush_later();
    }
}

void OtherInstances::flush_later() {
    if (!std::exchange(flushing_, true)) {
        post_([this] { flush(); });
    }
}

void OtherInstances::flush() {
    flushing_ = false;
    flush(HintKind::kRecheck, recheck_);
    flush(HintKind::kWake, wake_);
    if (std::exchange(keys_, false)) {
        bus_->publish(write_hint({.kind = HintKind::kKeys}));
    }
}

void OtherInstances::flush(HintKind kind, std::set<std::string>& nodes) {
    while (!nodes.empty()) {
        Hint hint{.kind = kind};
        while (!nodes.empty() && hint.nodes.size() < kHintNodesMax) {
            hint.nodes.push_back(std::move(nodes.extract(nodes.begin()).value()));
        }
        bus_->publish(write_hint(hint));
    }
}

// --- from the others -----------------------------------------------------------------------------

void OtherInstances::on_payload(std::string_view payload) {
    const auto hint = parse_hint(payload);
    if (!hint) {
        ++refused_;
        if (refused_lines_.take(work_->now_ms())) {
            log::warning("hub", "a message of another instance is {}", to_string(hint.error()));
        }
        return;
    }
    if (hint->kind == HintKind::kKeys) {
        look_around();
        return;
    }
    for (const std::string& node : hint->nodes) {
        if (channels_->is_here(node)) {
            named_.insert(node);
        }
    }
    look_at_named();
}

void OtherInstances::look_at_named() {
    if (looking_at_named_ || named_.empty()) {
        return;
    }
    looking_at_named_ = true;
    SqlValues ids;
    while (!named_.empty() && ids.size() < kNamedMax) {
        ids.emplace_back(std::move(named_.extract(named_.begin()).value()));
    }
    work_->run<std::vector<Named>>(
        std::nullopt,
        [ids](const Context& context) -> Result<std::vector<Named>> {
            std::unordered_map<std::string, Named> found;
            for (const SqlValue& id : ids) {
                const auto& text = std::get<std::string>(id);
                found.emplace(text, Named{.id = text, .fence = std::nullopt});
            }
            const std::string in = fmt::format("in ({})", marks(ids.size()));
            for (const SqlRow& row :
                 context.sql->select({"id", "fence", "state"}, "from nodes where id " + in, ids)) {
                Named& node = found.at(row.text(0));
                node.revoked = row.text(2) != "enrolled";
                if (!node.revoked) {
                    node.fence = row.integer(1);
                }
            }
            for (const SqlRow& row :
                 context.sql->select({"distinct node"},
                                     "from commands where state = 'queued' and node " + in,
                                     ids)) {
                found.at(row.text(0)).waiting = true;
            }
            std::vector<Named> named;
            named.reserve(found.size());
            for (auto& [id, node] : found) {
                named.push_back(std::move(node));
            }
            return named;
        },
        [this](const Result<std::vector<Named>>& named) {
            looking_at_named_ = false;
            if (named) {
                on_named(*named);
            }
            // Where the database is away, the looks of every second bring it.
            look_at_named();
        });
}

void OtherInstances::on_named(const std::vector<Named>& named) {
    for (const Named& node : named) {
        // Answers come in the order of the jobs: whoever is here now had claimed the node before.
        const auto here = channels_->fence_of(node.id);
        if (!here) {
            continue;
        }
        if (node.fence != here) {
            channels_->cut(node.id,
                           node.revoked ? "the node was revoked"
                           : node.fence ? kElsewhere
                                        : "the node was removed");
        } else if (node.waiting) {
            channels_->wake(node.id);
        }
    }
}

// --- without being told --------------------------------------------------------------------------

void OtherInstances::look_around() {
    if (looking_around_) {
        look_again_ = true;
        return;
    }
    looking_around_ = true;
    work_->run<Around>(
        std::nullopt,
        [here = instance_](const Context& context) -> Result<Around> {
            Around around;
            for (const SqlRow& row :
                 context.sql->select({"distinct n.id"},
                                     "from nodes n join commands c on c.node = n.id "
                                     "where n.home = ? and c.state = 'queued'",
                                     {here})) {
                around.wake.push_back(row.text(0));
            }
            // Thousands of rows every second would be too much; that there is a difference shows
            // in one.
            if (const auto row =
                    context.sql->find({"count(*)", "coalesce(sum(fence), 0)"},
                                      "from nodes where home = ? and state = 'enrolled'",
                                      {here})) {
                around.census = {.nodes = static_cast<std::size_t>(row->integer(0)),
                                 .fences = row->integer(1)};
            }
            around.keyring_version = keyring_version(context);
            return around;
        },
        [this](const Result<Around>& around) {
            looking_around_ = false;
            if (around) {
                on_around(*around);
            }
            if (std::exchange(look_again_, false) && around) {
                look_around();
            }
        });
}

void OtherInstances::on_around(const Around& around) {
    for (const std::string& node : around.wake) {
        channels_->wake(node);
    }
    if (on_keyring_version_) {
        on_keyring_version_(around.keyring_version);
    }
    if (around.census != channels_->census()) {
        compare_home();
    }
}

void OtherInstances::compare_home() {
    work_->run<std::vector<Home>>(
        std::nullopt,
        [here = instance_](const Context& context) -> Result<std::vector<Home>> {
            std::vector<Home> home;
            for (const SqlRow& row : context.sql->select(
                     {"id", "fence"}, "from nodes where home = ? and state = 'enrolled'", {here})) {
                home.push_back({.id = row.text(0), .fence = row.integer(1)});
            }
            return home;
        },
        [this](const Result<std::vector<Home>>& home) {
            if (home) {
                on_home(*home);
            }
        });
}

void OtherInstances::on_home(const std::vector<Home>& home) {
    std::unordered_map<std::string, std::int64_t> fences;
    for (const Home& node : home) {
        fences.emplace(node.id, node.fence);
        // Its channel ended while it was being claimed, or while the database was away.
        if (channels_->fence_of(node.id) != node.fence) {
            release(node.id, node.fence);
        }
    }
    for (const std::string& node : channels_->nodes()) {
        const auto found = fences.find(node);
        if (found == fences.end() || channels_->fence_of(node) != found->second) {
            // One look at it says why.
            named_.insert(node);
        }
    }
    look_at_named();
}

void OtherInstances::release(const std::string& node, std::int64_t fence) {
    work_->run<bool>(
        std::nullopt,
        [fence = Fence{.node = node, .number = fence}](const Context& context) -> Result<bool> {
            release_node(context, fence);
            return true;
        },
        [](const Result<bool>& /*done*/) {});
}

}  // namespace isthmus::hub
