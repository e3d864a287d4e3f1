// Configurations held against a JSON schema.
//
// Draft 7 as valijson has it, without "$ref" (one that refers to itself would never end), "pattern"
// and "patternProperties" (regular expressions of the standard library need a stack as deep as the
// text is long). Any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"

namespace isthmus::schema {

class Schema {
  public:
    // kInvalidArgument with what is wrong about it.
    [[nodiscard]] static Result<Schema> make(const boost::json::value& schema);
    Schema(Schema&&) noexcept;
    Schema& operator=(Schema&&) noexcept;
    ~Schema();

    // kInvalidArgument with each problem in a sentence, "media.port: ...".
    [[nodiscard]] Result<void> check(const boost::json::value& configuration) const;

  private:
    struct State;
    explicit Schema(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::schema
