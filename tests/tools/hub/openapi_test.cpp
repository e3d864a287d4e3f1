// docs/hub-openapi.yaml names every endpoint, and no other.
#include <cctype>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tools/hub/api/endpoint.h"

namespace isthmus::hub {
namespace {

// "get /v1/people" for each operation of the document.
std::set<std::string> documented() {
    std::set<std::string> operations;
    std::ifstream in("docs/hub-openapi.yaml");
    std::string path;
    for (std::string line; std::getline(in, line) && !line.starts_with("components:");) {
        if (line.starts_with("  /") && line.ends_with(':')) {
            path = line.substr(2, line.size() - 3);
        }
        for (const char* method : {"get", "post", "put", "patch", "delete"}) {
            if (line == std::string("    ") + method + ":") {
                operations.insert(std::string(method) + ' ' + path);
            }
        }
    }
    return operations;
}

TEST(HubOpenApi, NamesEveryEndpoint) {
    std::set<std::string> operations = documented();
    EXPECT_GT(operations.size(), 50U);
    for (const Endpoint* endpoint : all_endpoints()) {
        std::string operation(endpoint->method);
        for (char& c : operation) {
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
        operation += ' ' + std::string(endpoint->path);
        EXPECT_EQ(operations.erase(operation), 1U) << operation << " is not in the document";
    }
    // Those that are no table's.
    const std::set<std::string> others = {"post /v1/login",
                                          "put /v1/people/me/password",
                                          "get /v1/ca",
                                          "post /v1/oidc/sign-ins",
                                          "get /v1/oidc/callback/{organization}",
                                          "post /v1/oidc/tokens"};
    EXPECT_EQ(operations, others);
}

}  // namespace
}  // namespace isthmus::hub
