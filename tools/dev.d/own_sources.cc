// A plugin of clang-tidy for `tools/dev lint`: has the checks walk through our own declarations
// alone. clang-tidy 19 walks through those of the system headers too, which took two thirds of its
// time, and then drops what it found there. Findings in our files are the same.
//
// Compiled by tools/dev.d/lint.sh, and no part of the build: it needs the headers of LLVM.
#include <vector>

#include <clang-tidy/ClangTidyCheck.h>
#include <clang-tidy/ClangTidyModule.h>
#include <clang-tidy/ClangTidyModuleRegistry.h>
#include <clang/AST/ASTContext.h>
#include <clang/ASTMatchers/ASTMatchFinder.h>
#include <clang/ASTMatchers/ASTMatchers.h>

namespace {

using clang::ast_matchers::MatchFinder;

// Finds nothing. The translation unit is matched first, before what is in it is walked through.
class OwnSources : public clang::tidy::ClangTidyCheck {
  public:
    using ClangTidyCheck::ClangTidyCheck;

    void registerMatchers(MatchFinder* finder) override {
        finder->addMatcher(clang::ast_matchers::translationUnitDecl().bind("unit"), this);
    }

    void check(const MatchFinder::MatchResult& result) override {
        const auto* unit = result.Nodes.getNodeAs<clang::TranslationUnitDecl>("unit");
        std::vector<clang::Decl*> ours;
        for (clang::Decl* declaration : unit->decls()) {
            if (!result.SourceManager->isInSystemHeader(declaration->getLocation())) {
                ours.push_back(declaration);
            }
        }
        result.Context->setTraversalScope(ours);
    }
};

class Module : public clang::tidy::ClangTidyModule {
  public:
    void addCheckFactories(clang::tidy::ClangTidyCheckFactories& factories) override {
        factories.registerCheck<OwnSources>("isthmus-own-sources");
    }
};

const clang::tidy::ClangTidyModuleRegistry::Add<Module> kRegistration("isthmus", "");

}  // namespace
