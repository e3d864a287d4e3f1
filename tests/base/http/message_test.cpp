#include "base/http/message.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace isthmus::http {
namespace {

Request with_authorization(std::string value) {
    Request request;
    request.headers.emplace("authorization", std::move(value));
    return request;
}

TEST(Request, FindsHeadersWithoutRegardToCase) {
    Request request;
    request.headers.emplace("Content-TYPE", "application/sdp");
    EXPECT_EQ(request.header("content-type"), "application/sdp");
    EXPECT_EQ(request.header("content-typ"), "");
    EXPECT_EQ(request.header("x"), "");
}

TEST(Request, GivesTheFirstOfSeveralHeaders) {
    Request request;
    request.headers.emplace("If-Match", "\"a\"");
    request.headers.emplace("if-match", "\"b\"");
    EXPECT_EQ(request.header("IF-MATCH"), "\"a\"");
}

TEST(Request, ReadsTheBearerToken) {
    EXPECT_EQ(with_authorization("Bearer abc.def.ghi").bearer_token(), "abc.def.ghi");
    EXPECT_EQ(with_authorization("bEARER   abc ").bearer_token(), "abc");
}

TEST(Request, HasNoBearerTokenInOtherSchemes) {
    EXPECT_EQ(Request{}.bearer_token(), "");
    EXPECT_EQ(with_authorization("Basic dXNlcjpwdw==").bearer_token(), "");
    EXPECT_EQ(with_authorization("Bearer").bearer_token(), "");
    EXPECT_EQ(with_authorization("Bearer   ").bearer_token(), "");
    EXPECT_EQ(with_authorization("Bearerabc").bearer_token(), "");
}

TEST(Response, ProblemIsValidJsonWhateverTheDetailHolds) {
    const Response response = Response::problem(400, "bad \"\xFF\n\" in\x01 offer");
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(response.headers.find("content-type")->second, "application/problem+json");
    const auto body = boost::json::parse(response.body);
    EXPECT_EQ(body.at("type"), "about:blank");
    EXPECT_EQ(body.at("title"), "Bad Request");
    EXPECT_EQ(body.at("status"), 400);
    EXPECT_EQ(body.at("detail"), "bad \"\xEF\xBF\xBD\n\" in\x01 offer");
}

TEST(Response, ErrorsHaveTheStatusOfTheirCode) {
    const auto status = [](ErrorCode code) {
        return Response::problem(Error{.code = code, .message = "m"}).status;
    };
    EXPECT_EQ(status(ErrorCode::kInvalidArgument), 400U);
    EXPECT_EQ(status(ErrorCode::kNotFound), 404U);
    EXPECT_EQ(status(ErrorCode::kConflict), 409U);
    EXPECT_EQ(status(ErrorCode::kPermissionDenied), 403U);
    EXPECT_EQ(status(ErrorCode::kUnauthenticated), 401U);
    EXPECT_EQ(status(ErrorCode::kLimitExceeded), 429U);
    EXPECT_EQ(status(ErrorCode::kUnavailable), 503U);
    EXPECT_EQ(status(ErrorCode::kInternal), 500U);
}

TEST(Response, UnauthenticatedNamesTheScheme) {
    const Response response =
        Response::problem(Error{.code = ErrorCode::kUnauthenticated, .message = "m"});
    EXPECT_EQ(response.headers.find("WWW-Authenticate")->second, "Bearer");
}

}  // namespace
}  // namespace isthmus::http
