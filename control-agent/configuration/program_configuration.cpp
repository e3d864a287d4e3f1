#include "control-agent/configuration/program_configuration.h"

#include <utility>

namespace isthmus::configuration {

Result<std::unique_ptr<ProgramConfiguration>> ProgramConfiguration::make(
    ConfigurationFiles files, ConfiguredProgram& program) {
    auto record = files.load();
    if (!record) {
        return std::unexpected(record.error());
    }
    std::unique_ptr<ProgramConfiguration> made(
        new ProgramConfiguration(std::move(files), program));  // NOLINT(*-owning-memory): private
    made->record_ = std::move(*record);
    return made;
}

ConfiguredProgram::Answer ProgramConfiguration::then(
    std::move_only_function<void(const Result<void>&)> next) {
    return [alive = std::weak_ptr(alive_), next = std::move(next)](Result<void> result) mutable {
        if (alive.lock()) {
            next(result);
        }
    };
}

void ProgramConfiguration::tell(int percent, const std::string& what) {
    if (progress_) {
        progress_(percent, what);
    }
}

void ProgramConfiguration::finish(Result<void> result) {
    files_.remove_candidate();
    text_.clear();
    if (!std::exchange(prepared_, false)) {
        progress_ = nullptr;
        Answer answer = std::exchange(answer_, nullptr);
        answer(std::move(result));
        return;
    }
    program_->reopen(then([this, result = std::move(result)](const Result<void>& open) mutable {
        if (!open && result) {
            result = open;
        } else if (!open) {
            result.error().message += "; " + open.error().message;
        }
        finish(std::move(result));
    }));
}

void ProgramConfiguration::apply(
    std::uint64_t version, std::string text, bool now, Progress progress, Answer answer) {
    if (busy() || record_.trying) {
        answer(make_error(ErrorCode::kConflict, "another configuration is under way"));
        return;
    }
    version_ = version;
    text_ = std::move(text);
    now_ = now;
    progress_ = std::move(progress);
    answer_ = std::move(answer);
    tell(10, "the program checks it");
    const auto candidate = files_.write_candidate(text_);
    if (!candidate) {
        refuse(candidate.error().message);
        return;
    }
    program_->check(*candidate, then([this](const Result<void>& checked) { on_checked(checked); }));
}

void ProgramConfiguration::on_checked(const Result<void>& checked) {
    if (!checked) {
        refuse(checked.error().message);
        return;
    }
    if (files_.live_text() == text_) {
        record_.trying = version_;
        accept();
        return;
    }
    prepared_ = true;
    if (now_) {
        try_it();
    } else {
        make_way();
    }
}

void ProgramConfiguration::make_way() {
    waiting_ = true;
    tell(20, "the program is asked to make way");
    program_->make_way(
        [this, alive = std::weak_ptr(alive_)](const std::string& what) {
            if (alive.lock()) {
                tell(30, what);
            }
        },
        then([this](const Result<void>& way) {
            waiting_ = false;
            if (way) {
                try_it();
            } else {
                refuse(way.error().message);
            }
        }));
}

void ProgramConfiguration::give_up_waiting(const std::string& why) {
    if (waiting_) {
        program_->stay(why);
    }
}

void ProgramConfiguration::try_it() {
    if (const auto installed = install(); !installed) {
        if (record_.trying) {
            give_up(installed.error().message);
        } else {
            refuse(installed.error().message);
        }
        return;
    }
    restart();
}

// The record first: whoever finds `trying` knows that the live file may be either.
Result<void> ProgramConfiguration::install() {
    const auto kept = files_.keep_good();
    if (!kept) {
        return std::unexpected(kept.error());
    }
    ConfigurationRecord next = record_;
    next.trying = version_;
    next.had_file = *kept;
    if (auto saved = files_.save(next); !saved) {
        return saved;
    }
    record_ = next;
    return files_.install(text_);
}

void ProgramConfiguration::restart() {
    tell(40, "the program is started with it");
    program_->restart(then([this](const Result<void>& restarted) {
        if (restarted) {
            watch();
        } else {
            give_up(restarted.error().message);
        }
    }));
}

void ProgramConfiguration::watch() {
    tell(60, "waiting until the program serves");
    program_->wait_until_healthy(then([this](const Result<void>& healthy) {
        if (healthy) {
            accept();
        } else {
            give_up(healthy.error().message);
        }
    }));
}

void ProgramConfiguration::accept() {
    record_ = {.version = record_.trying.value_or(version_)};
    auto saved = files_.save(record_);
    files_.forget_good();
    finish(std::move(saved));
}

void ProgramConfiguration::refuse(std::string why) {
    record_.refused = version_;
    record_.message = why;
    std::ignore = files_.save(record_);
    finish(make_error(ErrorCode::kInvalidArgument, std::move(why)));
}

void ProgramConfiguration::give_up(const std::string& why) {
    tell(80, "going back to the last good one");
    record_.going_back = true;
    std::ignore = files_.save(record_);
    if (const auto back = files_.bring_back(record_.had_file); !back) {
        on_brought_back(why, back);
        return;
    }
    program_->restart(then([this, why](const Result<void>& restarted) {
        if (!restarted) {
            on_brought_back(why, restarted);
            return;
        }
        program_->wait_until_healthy(
            then([this, why](const Result<void>& healthy) { on_brought_back(why, healthy); }));
    }));
}

void ProgramConfiguration::on_brought_back(const std::string& why, const Result<void>& healthy) {
    std::string message =
        "version " + std::to_string(record_.trying.value_or(version_)) + " did not work: " + why;
    message += healthy ? "; the program runs with the one of before again"
                       : "; and the one of before does not work either: " + healthy.error().message;
    record_.refused = record_.trying.value_or(version_);
    record_.trying.reset();
    record_.going_back = false;
    record_.message = message;
    const auto saved = files_.save(record_);
    if (saved && healthy) {
        files_.forget_good();
    }
    finish(make_error(ErrorCode::kUnavailable, std::move(message)));
}

void ProgramConfiguration::resume(Answer answer) {
    answer_ = std::move(answer);
    prepared_ = true;  // perhaps, by the agent before
    if (!record_.trying) {
        finish({});
        return;
    }
    version_ = *record_.trying;
    if (record_.going_back || !files_.candidate_is_live()) {
        give_up("the agent ended in the middle of it");
    } else {
        restart();  // nobody knows whether the program has read the file
    }
}

}  // namespace isthmus::configuration
