#include "../groups.h"

#include <algorithm>
#include <atomic>

void bring_into_state(Instance &instance, Application &application, const std::string &path, const std::string &state,
                      const Entry &entry) {
    const std::string at = instance.at(path);
    const auto act = [&](const std::vector<std::string> &words) {
        const Outcome outcome = application(words);
        require(outcome.error == 0, "to bring " + path + " into state " + state + ": " + joined(words, " ") + ": " +
                                        outcome.text());
    };
    if (state != "A" && state != "L") {
        instance.provider.put(path, entry);
    }
    if (state == "P") {
        act({"lstat", at});
    } else if (state == "H") {
        act({"read", at});
    } else if (state == "DP") {
        act({"utimens", at, "1000000000"});
    } else if (state == "DH") {
        act({"read", at});
        act({"utimens", at, "1000000000"});
    } else if (state == "F") {
        act({"overwrite", at, "changed"});
    } else if (state == "L") {
        act({"create", at, "local"});
    } else if (state == "T") {
        act({"unlink", at});
    }
    const std::string seen = instance.state(path);
    const std::string expected = state == "V" || state == "T" || state == "A" ? "none" : state == "L" ? "F" : state;
    require(seen == expected, "state of " + path + " before the operation: expected " + expected + ", seen " + seen);
}

namespace {

bool fits(const std::string &line, const std::string &pattern) {
    size_t from = 0;
    for (;;) {
        const size_t bar = pattern.find(" | ", from);
        if (line == pattern.substr(from, bar == std::string::npos ? bar : bar - from)) {
            return true;
        }
        if (bar == std::string::npos) {
            return false;
        }
        from = bar + 3;
    }
}

bool fits(const std::vector<std::string> &seen, size_t i, const std::vector<std::string> &expected, size_t j) {
    if (j == expected.size()) {
        return i == seen.size();
    }
    const bool optional = expected[j].starts_with("?");
    const std::string pattern = optional ? expected[j].substr(1) : expected[j];
    if (i < seen.size() && fits(seen[i], pattern) && fits(seen, i + 1, expected, j + 1)) {
        return true;
    }
    return optional && fits(seen, i, expected, j + 1);
}

}  // namespace

namespace {

// Without a negative path cache an absent name may be asked for in each request that a Linux kernel makes of one
// operation. Only the first of them counts.
std::vector<std::string> without_repeated_questions(const Instance &instance, const std::vector<std::string> &lines) {
    std::vector<std::string> kept;
    for (const std::string &line : lines) {
        const bool absent = line.starts_with("INFO ") && !instance.provider.find(line.substr(5));
        if (!absent || std::find(kept.begin(), kept.end(), line) == kept.end()) {
            kept.push_back(line);
        }
    }
    return kept;
}

}  // namespace

void expect_trace(const Instance &instance, const std::string &prefix, const std::vector<std::string> &expected,
                  const std::string &what) {
    std::vector<std::string> seen;
    const bool arrived = instance.provider.wait([&] {
        seen = without_repeated_questions(instance, instance.provider.trace(prefix));
        return fits(seen, 0, expected, 0) || seen.size() > expected.size();
    });
    if (!arrived || !fits(seen, 0, expected, 0)) {
        fail(what + "\n        expected: " + joined(expected, "; ") + "\n        seen:     " + joined(seen, "; "));
    }
}

void settle(Instance &instance, Application &application) {
    static std::atomic<int> next{0};
    const std::string marker = "settle-" + std::to_string(next++);
    application({"lstat", instance.at(marker)});
    instance.provider.wait_for(Kind::info, marker);
    instance.provider.wait([&] { return instance.provider.running() == 0; });
}
