#include "signaling/twirp/service.h"

#include <optional>
#include <string>
#include <utility>

#include <boost/json/parse.hpp>
#include <google/protobuf/source_context.pb.h>
#include <gtest/gtest.h>

namespace isthmus::signaling::twirp {
namespace {

// A message with one string, which every protobuf library has.
using google::protobuf::SourceContext;

class TwirpService : public testing::Test {
  protected:
    TwirpService() {
        service_.add<SourceContext, SourceContext>(
            "Echo",
            [](const http::Request& http,
               const SourceContext& request,
               Answer<SourceContext> answer) {
                if (request.file_name() == "missing") {
                    answer(make_error(ErrorCode::kNotFound, "no such file"));
                    return;
                }
                SourceContext response;
                response.set_file_name(request.file_name() + "!" +
                                       std::string(http.header("X-Who")));
                answer(response);
            });
    }

    http::Response send(std::string type, std::string body, const std::string& method = "Echo") {
        http::Request request;
        request.method = "POST";
        request.path = "/twirp/test.Files/" + method;
        request.headers = {{"Content-Type", std::move(type)}, {"X-Who", "me"}};
        request.body = std::move(body);
        std::optional<http::Response> response;
        router_.dispatch(std::move(request),
                         [&](http::Response answer) { response = std::move(answer); });
        return response.value_or(http::Response{});
    }

    http::Router router_;
    Service service_{"test.Files", router_};
};

TEST_F(TwirpService, AnswersJsonWithJson) {
    const auto response = send("application/json;charset=UTF-8", R"({"fileName": "a", "new": 1})");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.headers.find("Content-Type")->second, "application/json");
    EXPECT_EQ(boost::json::parse(response.body).at("file_name").as_string(), "a!me");
    // Names as in the .proto are good too, and so is nothing at all.
    EXPECT_EQ(send("application/json", R"({"file_name": "b"})").status, 200U);
    EXPECT_EQ(boost::json::parse(send("application/json", "{}").body).at("file_name").as_string(),
              "!me");
}

TEST_F(TwirpService, AnswersProtobufWithProtobuf) {
    SourceContext request;
    request.set_file_name("a");
    const auto response = send("application/protobuf", request.SerializeAsString());
    EXPECT_EQ(response.status, 200U);
    SourceContext answer;
    ASSERT_TRUE(answer.ParseFromString(response.body));
    EXPECT_EQ(answer.file_name(), "a!me");
}

TEST_F(TwirpService, SaysWhatIsWrong) {
    const auto code_of = [](const http::Response& response) {
        return std::string(boost::json::parse(response.body).at("code").as_string());
    };
    const auto missing = send("application/json", R"({"file_name": "missing"})");
    EXPECT_EQ(missing.status, 404U);
    EXPECT_EQ(code_of(missing), "not_found");
    for (const auto& [type, body] :
         {std::pair<std::string, std::string>{"application/json", "nonsense"},
          {"application/json", "[]"},
          {"application/json", R"({"file_name": 7})"},
          {"application/json", ""},
          {"application/protobuf", "\xff\xff\xff"}}) {
        const auto response = send(type, body);
        EXPECT_EQ(response.status, 400U) << body;
        EXPECT_EQ(code_of(response), "invalid_argument") << body;
    }
    EXPECT_EQ(code_of(send("text/plain", "")), "bad_route");
    EXPECT_EQ(send("application/json", "{}", "None").status, 404U);
}

}  // namespace
}  // namespace isthmus::signaling::twirp
