#include <algorithm>
#include <exception>
#include <sstream>
#include <string>

#include <spdlog/fmt/fmt.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/config_reader.h"

namespace isthmus {
namespace {

std::size_t line_of(const YAML::Mark& mark) {
    return mark.line < 0 ? 0 : static_cast<std::size_t>(mark.line) + 1;
}

// Builds the tree from yaml-cpp's events, so that nothing is expanded or followed.
class TreeBuilder final : public YAML::EventHandler {
  public:
    [[nodiscard]] ConfigNode take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        add(mark, ConfigNode::Kind::kNull, {});
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
    }

    void OnScalar(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_anchor(mark, anchor);
        // "?" is a plain scalar, "!" a quoted one.
        if (tag != "?" && tag != "!" && !tag.empty()) {
            throw YAML::ParserException(mark, "tags are not used here");
        }
        const bool null = tag != "!" && (value.empty() || value == "~" || value == "null");
        add(mark, null ? ConfigNode::Kind::kNull : ConfigNode::Kind::kScalar, value);
    }

    void OnSequenceStart(const YAML::Mark& mark,
                         const std::string& /*tag*/,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        refuse_anchor(mark, anchor);
        open(mark, ConfigNode::Kind::kList);
    }

    void OnSequenceEnd() override { open_.pop_back(); }

    void OnMapStart(const YAML::Mark& mark,
                    const std::string& /*tag*/,
                    YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        refuse_anchor(mark, anchor);
        open(mark, ConfigNode::Kind::kMap);
    }

    void OnMapEnd() override { open_.pop_back(); }

  private:
    static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            throw YAML::ParserException(mark, "anchors and aliases are not used here");
        }
    }

    // A map's scalars come in turn as key and value.
    void add(const YAML::Mark& mark, ConfigNode::Kind kind, const std::string& value) {
        if (!open_.empty() && open_.back()->kind == ConfigNode::Kind::kMap && !key_open_) {
            open_key(mark, kind, value);
            return;
        }
        ConfigNode& node = place(mark);
        node.kind = kind;
        node.scalar = value;
    }

    void open_key(const YAML::Mark& mark, ConfigNode::Kind kind, const std::string& key) {
        if (kind != ConfigNode::Kind::kScalar) {
            throw YAML::ParserException(mark, "a key is missing");
        }
        ConfigNode& map = *open_.back();
        if (std::ranges::find(map.children, key, &ConfigNode::key) != map.children.end()) {
            throw YAML::ParserException(mark, fmt::format("the key \"{}\" stands twice", key));
        }
        count(mark);
        map.children.push_back(
            {.kind = {}, .line = line_of(mark), .key = key, .scalar = {}, .children = {}});
        key_open_ = true;
    }

    void open(const YAML::Mark& mark, ConfigNode::Kind kind) {
        if (!open_.empty() && open_.back()->kind == ConfigNode::Kind::kMap && !key_open_) {
            throw YAML::ParserException(mark, "a key must be a single word");
        }
        if (open_.size() >= kConfigDepthMax) {
            throw YAML::ParserException(mark, "this is nested too deeply");
        }
        ConfigNode& node = place(mark);
        node.kind = kind;
        open_.push_back(&node);
    }

    // Where the next value goes. Only the innermost open node grows, so that pointers to the outer
    // ones stay valid.
    ConfigNode& place(const YAML::Mark& mark) {
        count(mark);
        if (open_.empty()) {
            root_.line = line_of(mark);
            return root_;
        }
        if (key_open_) {
            key_open_ = false;
            return open_.back()->children.back();
        }
        open_.back()->children.push_back(
            {.kind = {}, .line = line_of(mark), .key = {}, .scalar = {}, .children = {}});
        return open_.back()->children.back();
    }

    void count(const YAML::Mark& mark) {
        if (++nodes_ > kConfigNodesMax) {
            throw YAML::ParserException(mark, "this is too long for a configuration");
        }
    }

    ConfigNode root_;
    std::vector<ConfigNode*> open_;
    bool key_open_ = false;  // the innermost map has a key whose value comes next
    std::size_t nodes_ = 0;
};

}  // namespace

Result<ConfigNode> parse_config(const std::string& text, std::string_view name) {
    try {
        std::istringstream stream(text);
        YAML::Parser parser(stream);
        TreeBuilder builder;
        parser.HandleNextDocument(builder);
        ConfigNode root = builder.take_root();
        if (root.kind == ConfigNode::Kind::kNull) {
            root.kind = ConfigNode::Kind::kMap;
        }
        return root;
    } catch (const YAML::Exception& e) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("{}:{}: {}", name, line_of(e.mark), e.msg));
    } catch (const std::exception& e) {
        return make_error(ErrorCode::kInvalidArgument, fmt::format("{}: {}", name, e.what()));
    }
}

}  // namespace isthmus
